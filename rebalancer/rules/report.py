"""Who may move where tonight, for people and programs: the summary of a pool and the answers for one VM."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from rebalancer.inventory import VM, Host, Pool
from rebalancer.rules.base import Objection, Violation
from rebalancer.rules.ledger import Ledger, standing_violations, step_ledger
from rebalancer.rules.legality import Legality


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
    ledger = _ledger(legality)
    return tuple(Answer(vm=vm, host=host, objections=_objections(legality, ledger, vm, host)) for host in hosts)


def legality_report(legality: Legality) -> LegalityReport:
    """The summary: who may move, what holds the others, what each host takes, what is broken tonight."""
    problem, ledger = legality.problem, _ledger(legality)
    guests = sorted(problem.pool.resident_guests(), key=lambda vm: (vm.name, vm.uuid))
    answers = {
        vm.uuid: [
            Answer(vm=vm, host=host, objections=_objections(legality, ledger, vm, host))
            for host in problem.pool.hosts.values()
            if host.uuid != vm.resident_on
        ]
        for vm in guests
    }
    free = {uuid for uuid, each in answers.items() if any(not answer.objections for answer in each)}
    return LegalityReport(
        pool=problem.pool.name,
        guests=len(guests),
        movable=len(free),
        held=_held([each for vm, each in answers.items() if vm not in free]),
        hosts=tuple(_reach(problem.pool, host, answers) for host in problem.pool.hosts.values()),
        standing=standing_violations(legality.pool_rules, problem, problem.initial),
        dangling=problem.pool.dangling,
    )


def _ledger(legality: Legality) -> Ledger:
    """What every host holds tonight, by the rules that hold at every step."""
    return step_ledger(legality.pool_rules, legality.problem, legality.problem.initial)


def _objections(legality: Legality, ledger: Ledger, vm: VM, host: Host) -> tuple[Objection, ...]:
    """All objections, those of single moves first, then those of what the target already holds."""
    if vm.resident_on == host.uuid:
        return ()
    single = legality.objections(vm, host)
    if vm.uuid not in legality.problem.initial.host_of:
        return single
    limits = (
        Objection(rule=each.rule, code=each.code, words=each.words) for each in ledger.objections(vm.uuid, host.uuid)
    )
    return (*single, *limits)


def _held(stuck: Iterable[list[Answer]]) -> tuple[Held, ...]:
    """VMs that may go nowhere, by the rule that XAPI or the policy would name first, most VMs first."""
    by_rule: dict[str, list[tuple[str, Objection]]] = {}
    for answers in stuck:
        first = (
            answers[0].objections[0]
            if answers
            else Objection(rule="one-host", code=None, words="the pool has no other host")
        )
        by_rule.setdefault(first.rule, []).append((answers[0].vm.name if answers else "", first))
    made = (
        Held(
            rule=rule,
            vms=tuple(name for name, _ in found),
            words=found[0][1].words,
            remedies=tuple(sorted({f"{objection.remedy} ({name})" for name, objection in found if objection.remedy})),
        )
        for rule, found in by_rule.items()
    )
    return tuple(sorted(made, key=lambda each: (-len(each.vms), each.rule)))


def _reach(pool: Pool, host: Host, answers: dict[str, list[Answer]]) -> Reach:
    """How open a host is."""
    to_host = [answer for each in answers.values() for answer in each if answer.host.uuid == host.uuid]
    everyone = {objection.rule for answer in to_host[:1] for objection in answer.objections}
    for answer in to_host:
        everyone &= {objection.rule for objection in answer.objections}
    return Reach(
        host=host.name,
        guests=sum(1 for vm in pool.resident_guests() if vm.resident_on == host.uuid),
        may_receive=sum(1 for answer in to_host if not answer.objections),
        refuses=", ".join(sorted(everyone)) if to_host else "",
    )
