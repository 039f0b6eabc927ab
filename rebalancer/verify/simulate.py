"""The steps of a plan, carried out on paper: the rules judge every state, in the plan's order and in every other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rebalancer.describe.concurrency import clashes
from rebalancer.describe.disks import crossing_of
from rebalancer.inventory import Pool, Uuid
from rebalancer.placement import Placement
from rebalancer.plan.finding import Finding, FindingKind
from rebalancer.plan.step import Step, StepKind
from rebalancer.rules import Rulebook


class Simulation:
    """The pool of *book* while steps are carried out that are to lead to *predicted*."""

    def __init__(self, book: Rulebook, predicted: Placement) -> None:
        self._book, self._problem, self._predicted = book, book.problem, predicted
        self._ledger = book.ledger()
        self._now = book
        self._moved: set[Uuid] = set()
        self._state = "at the start"

    @property
    def placement(self) -> Placement:
        """Where the VMs are by now."""
        return self._now.problem.initial

    def carry_out(self, steps: Sequence[Step]) -> Iterator[Finding]:
        """What speaks against *steps*, one after another; those that do not start or lead anywhere are passed over."""
        for step in steps:
            wrong = tuple(self._misplaced(step))
            yield from wrong
            if not wrong:
                yield from self._misnamed(step)
                yield from self._misled(step)
                yield from self._refused(step)
                self._settle(step)
            self._state = f"after {step.id}"

    def interleavings(self, steps: Sequence[Step]) -> Iterator[Finding]:
        """What speaks against *steps* in any order that their relations allow, however many run at once."""
        known = [step for step in steps if step.vm in self._problem.initial.host_of]
        yield from clashes(known, self._book)

    def _misplaced(self, step: Step) -> Iterator[Finding]:
        pool, here = self._problem.pool, self.placement.host_of.get(step.vm)
        if here is None:
            yield self._misplacement(step, f"VM {step.vm_name} does not run in this pool")
        elif here != step.source:
            yield self._misplacement(step, f"VM {step.vm_name} is on {self._name(here)}, not on {step.source_name}")
        if step.target not in pool.hosts:
            yield self._misplacement(step, f"the pool has no host {step.target_name} ({step.target})")
        if step.target == step.source:
            yield self._misplacement(step, f"it leads from {step.source_name} to where it starts")
        for words in _misplaced_disks(step, self.placement, self._moved, pool):
            yield self._misplacement(step, words)

    def _misnamed(self, step: Step) -> Iterator[Finding]:
        """A move ends where its VM is to be once the plan is done, a hop does not."""
        ends = step.target == self._predicted.host_of.get(step.vm)
        if ends != (step.kind is StepKind.MOVE):
            where = "there" if ends else "elsewhere"
            yield self._misplacement(step, f"it is called a {step.kind}, but VM {step.vm_name} is to end {where}")

    def _misled(self, step: Step) -> Iterator[Finding]:
        if step.crossing != crossing_of(step.migration, self._now.problem):
            words = f"{self._called(step)}: the pool or the networks that it leads to are others"
            yield self._misplacement(step, words, rule="networks-mapped")

    def _refused(self, step: Step) -> Iterator[Finding]:
        called, both = self._called(step), f"held on both {'hosts and SRs' if step.disks else 'hosts'}"
        wrong = [(each.rule, f"{called}: {each.words}") for each in self._now.objections(step.migration)]
        held = self._ledger.objections(step.vm, step.target, step.migration.disks)
        for rule, words in (*wrong, *((each.rule, f"{called}, {both}: {each.words}") for each in held)):
            yield Finding(kind=FindingKind.ILLEGAL, step=step.id, state=self._state, rule=rule, words=words)

    def _settle(self, step: Step) -> None:
        self._ledger.join(step.vm, step.target, step.migration.disks)
        self._ledger.settle(step.vm, step.source, step.migration.disks)
        self._now = self._now.at(self.placement.after(step.migration))
        self._moved |= {disk.drive for disk in step.disks}

    def _misplacement(self, step: Step, words: str, rule: str = "placement") -> Finding:
        return Finding(kind=FindingKind.MISPLACED, step=step.id, state=self._state, rule=rule, words=words)

    def _called(self, step: Step) -> str:
        return f"{step.vm_name} to {self._name(step.target)}"

    def _name(self, host: Uuid) -> str:
        return self._problem.names.hosts.get(host, host)


def _misplaced_disks(step: Step, here: Placement, moved: set[Uuid], pool: Pool) -> Iterator[str]:
    """Why the disks of *step* cannot go where it says from where everything is now; *moved* have gone before.

    A VM takes disks along only to its last host, and each disk once: the way back is sized for that.
    """
    drives = [disk.drive for disk in step.disks]
    if step.disks and step.kind is StepKind.HOP:
        yield "a hop takes no disks along"
    if drives != sorted(set(drives)):
        yield "its disks do not stand in their order, each once"
    for disk in step.disks:
        there = here.srs_of.get(step.vm, {}).get(disk.drive)
        if there is None:
            yield f"VM {step.vm_name} has no drive {disk.drive} with a disk that the policy lets move"
        elif there != disk.source:
            yield f"disk {disk.name} of VM {step.vm_name} is not on SR {disk.source_name}"
        if disk.target not in pool.srs:
            yield f"the pool has no SR {disk.target_name} ({disk.target})"
        if disk.target == disk.source:
            yield f"disk {disk.name} goes from SR {disk.source_name} to where it is"
        if disk.drive in moved:
            yield f"disk {disk.name} has moved in an earlier step"
