"""Who cannot leave a host, whatever else moves: for every VM, what each other host has against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property

from rebalancer.inventory import VM, Host, Uuid
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Bound, Objection, PoolRule, Row
from rebalancer.rules.disks.shared_sr_visible import SharedSRVisible
from rebalancer.rules.facts.counterparts import crosses
from rebalancer.rules.fixes import ClosedWay, Remedy, fix_of
from rebalancer.rules.hosts.source_live import SourceLive
from rebalancer.rules.routes import Routes
from rebalancer.units import size_in_words

ALONE = Objection(rule="one-host", code=None, words="there is no other host to go to")
"""What holds every VM of a pool of one host."""

ALLOW = "set storage_motion.enabled"
"""The line of the policy that lets disks go along."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A host that does not take the VM, with everything that it has against it.

    What keeps the disks stands first, where they may go along: an SR that the host lacks matters only because of it.
    `pool` is the name of its pool where that is another one than the VM's.
    """

    host: Uuid
    name: str
    pool: str
    objections: tuple[Objection, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """A VM that cannot leave its host.

    `closed` has every host that is not to be emptied itself; `rule` and `code` are what closes most of them; `fix`
    is what costs least: everything that one host has against the VM, settled.
    """

    vm: Uuid
    vm_name: str
    host: Uuid
    host_name: str
    rule: str
    code: str | None
    fix: str
    closed: tuple[Closed, ...]

    def as_json(self) -> dict[str, object]:
        """Plain values for programs."""
        return {"way_out" if name == "fix" else name: value for name, value in asdict(self).items()}

    @property
    def sentence(self) -> str:
        """Who cannot leave which host, and what closes the others."""
        start = f"VM {self.vm_name!r} cannot leave host {self.host_name!r}"
        firsts = [each.objections[0] for each in self.closed]
        words = {f"{each.rule} ({each.words})" for each in firsts}
        if len(words) == 1:
            return f"{start}: {words.pop()}"
        closing = ", ".join(f"{rule} closes {count}" for rule, count in sorted(Counter(e.rule for e in firsts).items()))
        others = f"of {len(firsts)} other hosts {closing}" if firsts else ALONE.words
        return f"{start}: {others}"


def _with(objection: Objection, remedy: str) -> Objection:
    return replace(objection, remedy=remedy, disruption=Disruption.POOL)


class LetDisksGo:
    """The remedy for VMs that only their disks hold: to let them take disks along, where the policy lets none go.

    Args:
        routes: the routes that there would be if disks went along; None where the policy lets them.
    """

    def __init__(self, routes: Callable[[], Routes] | None) -> None:
        self._routes = routes

    def copied_bytes(self, objection: Objection, vm: VM, host: Host) -> int | None:
        """What the cheapest route with disks copies; None where *objection* has a remedy, or this is none."""
        if objection.rule != SharedSRVisible.id or objection.remedy or self._routes is None:
            return None
        return next((route.copied_bytes for route in self._routes().routes(vm, host)), None)

    def way(self, closed: ClosedWay, vm: VM, host: Host) -> ClosedWay | None:
        """The way to *host*, *closed* to *vm* because of its disks, if they could go along; None where that is no help.

        What would still close it is part of it, and what its cheapest route copies, where nothing would.
        """
        unseen = [each for each in closed.objections if each.rule == SharedSRVisible.id and not each.remedy]
        if not unseen or self._routes is None:
            return None
        cheapest = next(iter(self._routes().routes(vm, host)), None)
        against = () if cheapest else self._routes().why_no_disks(vm, host)
        copied = cheapest.copied_bytes if cheapest else 0
        return replace(closed, objections=(*against, _with(unseen[0], ALLOW)), copied_bytes=copied)

    def settled(self, objection: Objection, vm: VM, host: Host) -> Objection:
        """*objection* to *vm* on *host*, with this remedy and what it copies, where it is one."""
        copied = self.copied_bytes(objection, vm, host)
        return objection if copied is None else _with(objection, f"{ALLOW}, to copy {size_in_words(copied)}")


class Stuck:
    """Tells which VMs cannot leave their hosts, whatever else moves.

    Proven for each VM by itself: a rule on VMs, hosts or pairs objects, or a limit of the target is used up by VMs
    that cannot leave the target. Whether all others find room together is for the solver to say.

    Args:
        problem: it names the hosts that are to be emptied, to which no VM may go.
        routes: how VMs get to hosts.
        limits: the limits of *problem*.
        let_disks_go: whom only its disks hold.
    """

    def __init__(self, problem: Problem, routes: Routes, limits: Iterable[Bound], let_disks_go: LetDisksGo) -> None:
        self._problem, self._pool = problem, problem.pool
        self._routes, self._let_disks_go = routes, let_disks_go
        rows = ((bound.rule, bound.limit) for bound in limits if isinstance(bound.limit, Row))
        self._rows: dict[Uuid, list[tuple[PoolRule, Row]]] = {}
        for rule, row in rows:
            if row.hard and len(row.places) == 1:
                self._rows.setdefault(next(iter(row.places)), []).append((rule, row))
        self._staying: dict[Uuid, list[tuple[PoolRule, Row, int]]] = {}

    def on(self, hosts: Collection[Uuid]) -> tuple[Blocked, ...]:
        """The VMs that cannot leave *hosts*, by host and name."""
        guests = [vm for vm in self._pool.resident_guests() if vm.resident_on in hosts]
        found = [blocked for vm in guests if (blocked := self.blocked(vm))]
        return tuple(sorted(found, key=lambda each: (each.host_name, each.host, each.vm_name, each.vm)))

    def may_leave(self, vm: VM) -> bool:
        """Whether *vm* has a route to a host that is not to be emptied itself, full or not."""
        live = self._routes.live.targets(vm)
        return any(host.uuid in live or self._routes.disks_along(vm, host) for host in self._open)

    @cached_property
    def _open(self) -> list[Host]:
        """The hosts that are not to be emptied, by name."""
        hosts = self._pool.hosts.items()
        return sorted(
            (host for uuid, host in hosts if uuid not in self._problem.intent.empty), key=lambda host: host.name
        )

    def blocked(self, vm: VM) -> Blocked | None:
        """What keeps *vm*, or None where some host may take it."""
        ways = [(host, self._ways(vm, host)) for host in self._others(vm)]
        closed = tuple(
            Closed(
                host=host.uuid,
                name=self._problem.names.hosts[host.uuid],
                pool=self._pool_beside(vm, host),
                objections=_listed(there),
            )
            for host, there in ways
        )
        if not all(each.objections for each in closed):
            return None
        here = self._pool.hosts[vm.resident_on or ""]
        unreachable = None if here.live else SourceLive().objects(vm, self._problem)
        plain = (way for _, there in ways for way in there)
        main = unreachable or (_most_common([each.objections[0] for each in closed]) if closed else ALONE)
        return Blocked(
            vm=vm.uuid,
            vm_name=self._problem.names.vms[vm.uuid],
            host=here.uuid,
            host_name=self._problem.names.hosts[here.uuid],
            rule=main.rule,
            code=main.code,
            fix=unreachable.remedy if unreachable else str(fix_of(vm, (*plain, *self._with_disks_let_go(vm, ways)))),
            closed=closed,
        )

    def _staying_on(self, host: Uuid) -> list[tuple[PoolRule, Row, int]]:
        """The limits of *host*, with what the guests weigh on each that cannot leave."""
        if host not in self._staying:
            guests = (self._pool.vms[vm] for vm, at in self._problem.initial.host_of.items() if at == host)
            stuck = [vm.uuid for vm in guests if not self._routes.targets(vm)]
            self._staying[host] = [
                (rule, row, sum(row.weights.resident.get(vm, 0) for vm in stuck))
                for rule, row in self._rows.get(host, ())
            ]
        return self._staying[host]

    def fix(self, vm: VM) -> Remedy | None:
        """What would let *vm* leave its host; None where some host may take it."""
        ways = [(host, self._ways(vm, host)) for host in self._others(vm)]
        if not all(way.objections for _, there in ways for way in there):
            return None
        return fix_of(vm, (*(way for _, there in ways for way in there), *self._with_disks_let_go(vm, ways)))

    def _with_disks_let_go(self, vm: VM, ways: Iterable[tuple[Host, Sequence[ClosedWay]]]) -> Iterator[ClosedWay]:
        """The ways of *vm* that there would be besides the *ways* to each host if disks could go along."""
        for host, there in ways:
            way = self._let_disks_go.way(there[-1], vm, host)
            if way:
                yield replace(way, objections=(*way.objections, *self._full(vm, host)))

    def _others(self, vm: VM) -> list[Host]:
        """The hosts to which *vm* might go, those of its own pool first."""
        others = (host for host in self._open if host.uuid != vm.resident_on)
        return sorted(others, key=lambda host: crosses(vm, host, self._problem))

    def _pool_beside(self, vm: VM, host: Host) -> str:
        return self._pool.of_host(host.uuid).called if crosses(vm, host, self._problem) else ""

    def _ways(self, vm: VM, host: Host) -> tuple[ClosedWay, ...]:
        """The ways of *vm* to *host*, each with what closes it: with its disks where they may go along, and without.

        Settling one of them is enough. Guests that might make room are not in the way.
        """
        full = tuple(self._full(vm, host))
        if self._routes.routes(vm, host):
            return (ClosedWay(objections=full),)
        pool, with_disks = self._pool_beside(vm, host), self._routes.why_no_disks(vm, host)
        carried = (ClosedWay(objections=(*with_disks, *full), pool=pool),) if with_disks else ()
        if with_disks and pool:
            return carried
        plain = self._routes.live.objections(vm, host)
        return (*carried, ClosedWay(objections=(*plain, *full), pool=pool))

    def _full(self, vm: VM, host: Host) -> Iterator[Objection]:
        """What of *host* is full for *vm*, even without the guests that might make room."""
        for rule, row, held in self._staying_on(host.uuid):
            joining = row.weights.arrival.get(vm.uuid, 0)
            if joining and held + joining > row.most:
                refusal = rule.refusal(row, held, joining)
                yield replace(refusal, words=f"{refusal.words}, even once all who may leave it have left")


def _listed(ways: Iterable[ClosedWay]) -> tuple[Objection, ...]:
    """All that closes *ways*, each once; a host is open as soon as one of them is."""
    known = tuple(ways)
    return (
        tuple(dict.fromkeys(each for way in known for each in way.objections))
        if all(w.objections for w in known)
        else ()
    )


def _most_common(objections: list[Objection]) -> Objection:
    """One of the rule that objects most often, the first of them where several do."""
    rules = [each.rule for each in objections]
    return max(objections, key=lambda each: rules.count(each.rule))
