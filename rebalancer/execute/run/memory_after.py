"""Whether memory is as it should be after steps: of VMs that a migration squeezes, and of hosts.

A migration cuts a VM with a dynamic range to its minimum, and nobody but the hosts gives it back; where a migration
fails, nobody may at all (XAPI.md 2.2). That is looked for and told, and nothing is done about it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field

from rebalancer.errors import InventoryError, RefusedByXapi, XapiError
from rebalancer.execute.journal.entries import Looked, Noticed
from rebalancer.execute.journal.journal import Journal
from rebalancer.execute.journal.outcome import StepState
from rebalancer.execute.judge.host_memory import HostMemoryComparison
from rebalancer.execute.options import RunReporter
from rebalancer.execute.run.watch import Watch
from rebalancer.inventory import VM, MemoryRange, Pool, Uuid
from rebalancer.plan import Step
from rebalancer.squeeze import squeeze_of
from rebalancer.units import size_in_words
from rebalancer.xapi.reading.memory import GuestMemory

RUNS_ON = frozenset({StepState.MOVED, StepState.STAYED})
ENOUGH = 0.98
"""The share of what it had with which a VM counts as having it back: hosts share out what is left of theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Had:
    """What a VM had before it was squeezed, in bytes; its dynamic range where it is known."""

    actual_bytes: int
    least: int | None = None
    most: int | None = None

    @classmethod
    def of(cls, vm: VM) -> Had:
        """As *vm* is."""
        memory: MemoryRange = vm.memory
        return cls(
            actual_bytes=vm.migration_memory_bytes, least=memory.dynamic_min_bytes, most=memory.dynamic_max_bytes
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitedMemory:
    """A step after which a VM is to have its memory back; `since` by `Clock.monotonic`."""

    step: Step
    had: Had
    since: float


@dataclass(slots=True, kw_only=True)
class MemoryAfter:
    """Looks at squeezed VMs until they have their memory back, and at hosts; `noticed` is what is not as it was."""

    watch: Watch
    journal: Journal
    reporter: RunReporter
    hosts: HostMemoryComparison
    noticed: list[str] = field(default_factory=list)
    _had: dict[Uuid, Had] = field(default_factory=dict)
    _wanted: dict[Uuid, AwaitedMemory] = field(default_factory=dict)
    _looked_at: float = float("-inf")

    def leaves(self, vm: VM) -> None:
        """Remember what *vm* has, right before it is sent off; of one that is still squeezed it is known."""
        before = self._wanted.pop(vm.uuid, None)
        if before or squeeze_of(vm, None):
            self._had[vm.uuid] = before.had if before else Had.of(vm)

    def is_over(self, step: Step, looked: Looked) -> None:
        """Look at the VM of *step* from now on, if it was squeezed and runs."""
        had = self._had.pop(step.vm, None)
        if had is None and step.squeeze:
            had = Had(actual_bytes=step.squeeze.from_bytes)
        if had and looked.state in RUNS_ON:
            self._wanted[step.vm] = AwaitedMemory(step=step, had=had, since=self.watch.clock.monotonic())

    def look(self) -> None:
        """Look at all that is to come back, not more often than every poll; those whose time is over are told."""
        now = self.watch.clock.monotonic()
        if self._wanted and now >= self._looked_at + self.watch.timeouts.poll:
            self._looked_at = now
            for wanted in tuple(self._wanted.values()):
                self._look_at(wanted, last=now >= wanted.since + self.watch.timeouts.memory)

    def wait(self, meanwhile: Callable[[], None]) -> None:
        """Look until all is back, its time is over, or somebody asks to stop; *meanwhile* is done at each look."""
        while self._wanted and not self.watch.stop.asked:
            meanwhile()
            self.look()
            if self._wanted:
                self.watch.clock.sleep(self.watch.timeouts.poll)
        for wanted in tuple(self._wanted.values()):
            self._look_at(wanted, last=True)

    def compare(self, pool: Pool | None, done: Collection[str], flying: Collection[str] = ()) -> Pool | None:
        """Tell which hosts of *pool*, if any, hold something else than was predicted once *done* are made; the pool."""
        for words in self.hosts.unlike(pool, done, flying) if pool else ():
            self._tell("", words)
        return pool

    def compare_at_the_end(self, done: Collection[str]) -> None:
        """The same, of the pool as it is when nothing is left to do; a pool that is silent then is not waited for."""
        with suppress(XapiError, InventoryError):
            self.compare(self.watch.live.read(), done)

    def _look_at(self, wanted: AwaitedMemory, *, last: bool) -> None:
        words = self._missing(wanted)
        if not words or last:
            del self._wanted[wanted.step.vm]
        if words and last:
            self._tell(wanted.step.id, f"{wanted.step.vm_name}: {words}")

    def _tell(self, step: str, words: str) -> None:
        self.journal.append(Noticed(at=self.watch.clock.now(), step=step, words=words))
        self.noticed.append(f"{step} {words}".strip())
        self.reporter.noticed(step, words)

    def _missing(self, wanted: AwaitedMemory) -> str:
        """What the VM has not got back; "" where it has all, or is gone."""
        try:
            now = self.watch.live.memory(wanted.step.vm)
        except RefusedByXapi:
            return ""
        except XapiError as error:
            return f"nobody knows whether it got back the memory that the migration took: {error}"
        took = self.watch.clock.monotonic() - wanted.since
        return "; ".join(words for words in (_other_range(wanted.had, now), _squeezed(wanted, now, took)) if words)


def _other_range(had: Had, now: GuestMemory) -> str:
    if had.least is None or had.most is None or (had.least, had.most) == (now.dynamic_min_bytes, now.dynamic_max_bytes):
        return ""
    was, is_now = (had.least, had.most), (now.dynamic_min_bytes, now.dynamic_max_bytes)
    sizes = [" to ".join(map(size_in_words, each)) for each in (was, is_now)]
    return f"its dynamic range was {sizes[0]} before the migration, and is {sizes[1]}"


def _squeezed(wanted: AwaitedMemory, now: GuestMemory, took: float) -> str:
    enough = ENOUGH * wanted.had.actual_bytes
    if now.actual_bytes is None or now.actual_bytes >= enough:
        return ""
    has, had = size_in_words(now.actual_bytes), size_in_words(wanted.had.actual_bytes)
    let = now.target_bytes is None or now.target_bytes >= enough
    why = (
        "look at the balloon driver in the guest"
        if let
        else f"its host lets it have {size_in_words(now.target_bytes or 0)}: look what else runs there"
    )
    return f"the migration squeezed it, and {took:.0f} s later it has {has} of the {had} that it had; {why}"
