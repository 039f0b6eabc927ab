"""Who may move where tonight, for people and programs: the summary of a pool and the answers for one VM."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from rebalancer.inventory import VM, Host, Pool, Uuid
from rebalancer.rules.base import Objection, Violation
from rebalancer.rules.ledger import Ledger, standing_violations, step_ledger
from rebalancer.rules.legality import Legality

ALONE = Objection(rule="one-host", code=None, words="the pool has no other host")
"""What holds every VM of a pool of one host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the rules say of one VM and one host, in the order in which XAPI asks; the first one is XAPI's answer."""

    vm: VM
    host: Host
    objections: tuple[Objection, ...]

    @property
    def stays(self) -> bool:
        """Whether the VM is on this host already."""
        return self.vm.resident_on == self.host.uuid

    def as_json(self) -> dict[str, object]:
        """The same for programs."""
        return {
            "vm": {"uuid": self.vm.uuid, "name": self.vm.name},
            "host": {"uuid": self.host.uuid, "name": self.host.name},
            "stays": self.stays,
            "may_move": not self.stays and not self.objections,
            "objections": [asdict(objection) for objection in self.objections],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A rule that keeps VMs where they are: their names, an example of its words, and the cheapest ways out."""

    rule: str
    vms: tuple[str, ...]
    words: str
    remedies: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How many guests run on a host and how many from elsewhere may come to it now."""

    host: str
    guests: int
    may_receive: int
    refuses: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalityReport:
    """A pool's freedom of movement tonight."""

    pool: str
    guests: int
    movable: int
    held: tuple[Held, ...]
    hosts: tuple[Reach, ...]
    standing: tuple[Violation, ...]
    dangling: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """The same for programs."""
        return asdict(self)


def explain(legality: Legality, vm: VM, hosts: Iterable[Host]) -> tuple[Answer, ...]:
    """What the rules say of moving *vm* to each of *hosts* now, memory and other limits of the target included."""
    ledger = ledger_now(legality)
    return tuple(Answer(vm=vm, host=host, objections=objections_now(legality, ledger, vm, host)) for host in hosts)


def legality_report(legality: Legality) -> LegalityReport:
    """The summary: who may move, what holds the others, what each host takes, what is broken tonight."""
    problem, ledger = legality.problem, ledger_now(legality)
    pool = problem.pool
    guests = sorted(pool.resident_guests(), key=lambda vm: (vm.name, vm.uuid))
    asked = [(vm, [host for host in pool.hosts.values() if host.uuid != vm.resident_on]) for vm in guests]
    answers = [
        (vm, [Answer(vm=vm, host=host, objections=objections_now(legality, ledger, vm, host)) for host in hosts])
        for vm, hosts in asked
    ]
    stuck = [(vm, each) for vm, each in answers if all(answer.objections for answer in each)]
    return LegalityReport(
        pool=pool.name,
        guests=len(guests),
        movable=len(guests) - len(stuck),
        held=_held(stuck),
        hosts=_reaches(pool, (answer for _, each in answers for answer in each)),
        standing=standing_violations(legality.pool_rules, problem, problem.initial),
        dangling=pool.dangling,
    )


def ledger_now(legality: Legality) -> Ledger:
    """What every host holds tonight, by the rules that hold at every step."""
    return step_ledger(legality.pool_rules, legality.problem, legality.problem.initial)


def objections_now(legality: Legality, ledger: Ledger, vm: VM, host: Host) -> tuple[Objection, ...]:
    """All objections in the order of the rules, those of what the target already holds among them."""
    if vm.resident_on == host.uuid:
        return ()
    if vm.uuid not in legality.problem.initial.host_of:
        return legality.objections(vm, host)
    return legality.objections_with(ledger, vm, host)


def _held(stuck: Iterable[tuple[VM, list[Answer]]]) -> tuple[Held, ...]:
    """VMs that may go nowhere, by the rule that XAPI or the policy would name first, most VMs first."""
    by_rule: dict[str, list[tuple[VM, Objection]]] = {}
    for vm, answers in stuck:
        first = answers[0].objections[0] if answers else ALONE
        by_rule.setdefault(first.rule, []).append((vm, first))
    made = (
        Held(
            rule=rule,
            vms=tuple(vm.name for vm, _ in found),
            words=found[0][1].words,
            remedies=tuple(sorted({f"{objection.remedy} ({vm.name})" for vm, objection in found if objection.remedy})),
        )
        for rule, found in by_rule.items()
    )
    return tuple(sorted(made, key=lambda each: (-len(each.vms), each.rule)))


def _reaches(pool: Pool, answers: Iterable[Answer]) -> tuple[Reach, ...]:
    """How open each host is."""
    rules_to: dict[Uuid, list[frozenset[str]]] = {uuid: [] for uuid in pool.hosts}
    for answer in answers:
        rules_to[answer.host.uuid].append(frozenset(objection.rule for objection in answer.objections))
    guests = Counter(vm.resident_on for vm in pool.resident_guests())
    return tuple(
        Reach(
            host=host.name,
            guests=guests[uuid],
            may_receive=rules_to[uuid].count(frozenset()),
            refuses=", ".join(sorted(frozenset.intersection(*rules_to[uuid]))) if rules_to[uuid] else "",
        )
        for uuid, host in pool.hosts.items()
    )
