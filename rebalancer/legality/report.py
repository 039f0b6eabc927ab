"""Who may move where tonight, for people and programs: the summary of a pool and the answers for one VM."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from rebalancer.inventory import VM, Host, Uuid
from rebalancer.legality.held import held_as_they_are
from rebalancer.plan.plan import HeldAsItIs
from rebalancer.problem import Problem
from rebalancer.rules import Objection, Rulebook, Violation
from rebalancer.rules.facts.counterparts import crosses
from rebalancer.rules.facts.disk_maps import unseen_cds
from rebalancer.rules.facts.sizes import DiskSizes
from rebalancer.rules.routes import Route
from rebalancer.rules.stuck import ALONE, LetDisksGo
from rebalancer.units import first_few

SHOWN = 4
"""VMs that a fix names; more are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskTrip:
    """A disk that would go along to another SR; `size_bytes` with its snapshots."""

    disk: Uuid
    name: str
    source: Uuid
    target: Uuid
    target_name: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PairAnswer:
    """What the rules say of one VM and one host, in the order in which XAPI asks; the first one is XAPI's answer.

    Where the VM may move only by Storage XenMotion, `disks` go along, and XAPI ejects the CDs in the drives `ejects`.
    """

    vm: VM
    host: Host
    objections: tuple[Objection, ...]
    disks: tuple[DiskTrip, ...] = ()
    ejects: tuple[str, ...] = ()

    @property
    def stays(self) -> bool:
        """Whether the VM is on this host already."""
        return self.vm.resident_on == self.host.uuid

    def as_json(self) -> dict[str, object]:
        """This answer for programs, as JSON."""
        return {
            "vm": {"uuid": self.vm.uuid, "name": self.vm.name},
            "host": {"uuid": self.host.uuid, "name": self.host.name},
            "stays": self.stays,
            "may_move": not self.stays and not self.objections,
            "objections": [asdict(objection) for objection in self.objections],
            "disks": [asdict(disk) for disk in self.disks],
            "ejects": list(self.ejects),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldVMs:
    """A rule that keeps VMs where they are: their names, an example of its words, and the cheapest fixes."""

    rule: str
    vms: tuple[str, ...]
    words: str
    remedies: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How many guests run on a host and how many from elsewhere may come to it now; `pool` where several are joined."""

    host: str
    pool: str
    guests: int
    may_receive: int
    refuses: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalityReport:
    """A pool's freedom of movement tonight; `spare` tells what failures it outlives, where the policy asks for that.

    `sick` are the hosts and VMs that are held as they are.
    """

    pool: str
    guests: int
    movable: int
    held: tuple[HeldVMs, ...]
    hosts: tuple[Reach, ...]
    standing: tuple[Violation, ...]
    spare: str
    dangling: tuple[str, ...]
    sick: tuple[HeldAsItIs, ...]

    def as_json(self) -> dict[str, object]:
        """This report for programs, as JSON."""
        return asdict(self)


def explain(book: Rulebook, vm: VM, hosts: Iterable[Host]) -> tuple[PairAnswer, ...]:
    """What the rules say of moving *vm* to each of *hosts* now, memory and other limits of the target included."""
    tonight = Tonight(book)
    return tuple(_settled(tonight.answer(vm, host), book.let_disks_go) for host in hosts)


def _settled(answer: PairAnswer, let_disks_go: LetDisksGo) -> PairAnswer:
    """*answer* with the fix for a VM that only its disks hold."""
    return replace(
        answer, objections=tuple(let_disks_go.settled(each, answer.vm, answer.host) for each in answer.objections)
    )


def near_first(vm: VM, problem: Problem) -> tuple[Host, ...]:
    """All hosts, those of the pool where *vm* is before those of other pools."""
    home = problem.pool.of_vm(vm)
    pools = sorted(problem.pool.members, key=lambda pool: pool is not home)
    return tuple(problem.pool.hosts[host] for pool in pools for host in pool.hosts)


def legality_report(book: Rulebook) -> LegalityReport:
    """The summary: who may move, what holds the others, what each host takes, what is broken tonight."""
    problem, tonight = book.problem, Tonight(book)
    pool = problem.pool
    guests = sorted(pool.resident_guests(), key=lambda vm: (vm.name, vm.uuid))
    open_to = [(vm, tonight.open_to(vm)) for vm in guests]
    stuck = [vm for vm, hosts in open_to if not hosts]
    return LegalityReport(
        pool=pool.name,
        guests=len(guests),
        movable=len(guests) - len(stuck),
        held=_held(((vm, tonight.first_answer(vm)) for vm in stuck), book),
        hosts=_reaches(tonight, problem, Counter(host for _, hosts in open_to for host in hosts)),
        standing=book.violations(problem.initial),
        spare=_spare(book),
        dangling=pool.dangling,
        sick=held_as_they_are(problem),
    )


def _spare(book: Rulebook) -> str:
    where = {vm: (host,) for vm, host in book.problem.initial.host_of.items()}
    return "; ".join(limit.standing(where) for limit in book.restarts)


class Tonight:
    """What may move as things are tonight, what hosts and SRs hold included."""

    def __init__(self, book: Rulebook) -> None:
        self._book, self._problem = book, book.problem
        self._ledger = book.ledger()

    def answer(self, vm: VM, host: Host) -> PairAnswer:
        """All objections to XenMotion; or the disks that go along where that is a way."""
        objections = self._objections(vm, host)
        if objections and crosses(vm, host, self._problem):
            objections = objections[:1]
        if not objections or not self._problem.intent.disk_srs:
            return PairAnswer(vm=vm, host=host, objections=objections)
        routes = [route for route in self._book.routes.routes(vm, host) if route.disks]
        for route in routes:
            if not self._ledger.objections(vm.uuid, host.uuid, route.disks):
                return self._with_disks(vm, host, route)
        against = (*self._book.routes.why_no_disks(vm, host), *self._full(vm, host, routes))
        if crosses(vm, host, self._problem):
            return PairAnswer(vm=vm, host=host, objections=against or objections)
        new = [each for each in against if each.rule not in {objection.rule for objection in objections}]
        return PairAnswer(vm=vm, host=host, objections=(*objections, *new))

    def open_to(self, vm: VM) -> set[Uuid]:
        """The hosts to which *vm* may move, with its disks or without."""
        may_go = set(self._book.live.targets(vm))
        if vm.uuid in self._problem.initial.host_of:
            may_go = {host for host in may_go if next(self._ledger.refusals(vm.uuid, host), None) is None}
        if self._problem.intent.disk_srs:
            others = (host for host in self._problem.pool.hosts.values() if host.uuid not in {*may_go, vm.resident_on})
            may_go |= {host.uuid for host in others if not self.answer(vm, host).objections}
        return may_go

    def first_answer(self, vm: VM) -> Objection:
        """What keeps *vm* from moving to the first other host."""
        others = (host for host in near_first(vm, self._problem) if host.uuid != vm.resident_on)
        first = next(others, None)
        return ALONE if first is None else self.answer(vm, first).objections[0]

    def all_refuse(self, host: Host, vms: Iterable[VM]) -> frozenset[str]:
        """The rules that keep each of *vms* from coming to *host*."""
        answers = (self.answer(vm, host).objections for vm in vms)
        rules = [frozenset(objection.rule for objection in each) for each in answers]
        return frozenset.intersection(*rules) if rules else frozenset()

    def _objections(self, vm: VM, host: Host) -> tuple[Objection, ...]:
        """All objections in the order of the rules, those of what the target already holds among them."""
        if vm.resident_on == host.uuid:
            return ()
        if vm.uuid not in self._problem.initial.host_of:
            return self._book.live.objections(vm, host)
        return self._book.live.objections_with(self._ledger, vm, host)

    def _full(self, vm: VM, host: Host, routes: Sequence[Route]) -> Iterator[Objection]:
        """What is full tonight on the cheapest of *routes*."""
        for route in routes[:1]:
            for violation in self._ledger.objections(vm.uuid, host.uuid, route.disks):
                yield Objection(rule=violation.rule, code=violation.code, words=violation.words)

    def _with_disks(self, vm: VM, host: Host, route: Route) -> PairAnswer:
        pool, sizes = self._problem.pool, DiskSizes(self._problem)
        found = [(each, sizes.behind(vm.uuid, each.drive)) for each in route.disks]
        trips = tuple(
            DiskTrip(
                disk=disk.uuid,
                name=disk.name,
                source=move.source,
                target=move.target,
                target_name=self._problem.names.srs[move.target],
                size_bytes=sizes.copied(disk),
            )
            for move, disk in found
        )
        ejects = tuple(drive for drive, _ in unseen_cds(vm, host, pool))
        return PairAnswer(vm=vm, host=host, objections=(), disks=trips, ejects=ejects)


def _held(stuck: Iterable[tuple[VM, Objection]], book: Rulebook) -> tuple[HeldVMs, ...]:
    """VMs that may go nowhere, by the rule that XAPI or the policy would name first, most VMs first."""
    by_rule: dict[str, list[tuple[VM, Objection]]] = {}
    for vm, first in stuck:
        by_rule.setdefault(first.rule, []).append((vm, first))
    made = (
        HeldVMs(
            rule=rule,
            vms=tuple(book.problem.names.vms[vm.uuid] for vm, _ in found),
            words=found[0][1].words,
            remedies=_fixes([vm for vm, first in found if first is not ALONE], book),
        )
        for rule, found in by_rule.items()
    )
    return tuple(sorted(made, key=lambda each: (-len(each.vms), each.rule)))


def _fixes(held: Iterable[VM], book: Rulebook) -> tuple[str, ...]:
    """The fixes, each once, with the VMs that it frees; none for those whom full hosts alone hold tonight."""
    freed: dict[str, list[str]] = {}
    for vm in held:
        if fix := book.fix(vm):
            freed.setdefault(fix.words, []).append(book.problem.names.vms[vm.uuid])
    return tuple(f"{words} ({first_few(sorted(names), SHOWN)})" for words, names in sorted(freed.items()))


def _reaches(tonight: Tonight, problem: Problem, may_receive: Mapping[Uuid, int]) -> tuple[Reach, ...]:
    pool, called = problem.pool, problem.names.hosts
    guests = list(pool.resident_guests())
    there = Counter(vm.resident_on for vm in guests)

    def refuses(uuid: Uuid) -> frozenset[str]:
        others = (vm for vm in guests if vm.resident_on != uuid)
        return frozenset() if may_receive[uuid] else tonight.all_refuse(pool.hosts[uuid], others)

    return tuple(
        Reach(
            host=called[uuid],
            pool=member.called if len(pool.members) > 1 else "",
            guests=there[uuid],
            may_receive=may_receive[uuid],
            refuses=", ".join(sorted(refuses(uuid))),
        )
        for member in pool.members
        for uuid in member.hosts
    )
