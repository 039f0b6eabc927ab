"""Who cannot leave a host, whatever else moves: for every VM, what each other host has against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from rebalancer.inventory import VM, Host, Uuid
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Bound, Objection, PoolRule, Row
from rebalancer.rules.facts.counterparts import crosses
from rebalancer.rules.let_disks_go import LetDisksGo
from rebalancer.rules.routes import Routes

ALONE = Objection(rule="one-host", code=None, words="the pool has no other host")
"""What holds every VM of a pool of one host."""

SHUT_DOWN = "shut it down meanwhile"
"""The way out that every VM has: what is halted is on no host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A host that does not take the VM, with everything that it has against it, in XAPI's order.

    `pool` is the name of its pool where that is another one than the VM's.
    """

    host: Uuid
    name: str
    pool: str
    objections: tuple[Objection, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """A VM that cannot leave its host.

    `closed` has every host that is not to be emptied itself; `rule` and `code` are what closes most of them; `way_out`
    is what costs least: everything that one host has against the VM, settled.
    """

    vm: Uuid
    vm_name: str
    host: Uuid
    host_name: str
    rule: str
    code: str | None
    way_out: str
    closed: tuple[Closed, ...]

    @property
    def sentence(self) -> str:
        """Who cannot leave which host, and what closes the others."""
        start = f"VM {self.vm_name!r} cannot leave host {self.host_name!r}"
        firsts = [each.objections[0] for each in self.closed]
        words = {f"{each.rule} ({each.words})" for each in firsts}
        if len(words) == 1:
            return f"{start}: {words.pop()}"
        closing = ", ".join(f"{rule} closes {count}" for rule, count in sorted(Counter(e.rule for e in firsts).items()))
        others = f"of {len(firsts)} other hosts {closing}" if firsts else "there is no other host"
        return f"{start}: {others}"


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
        self._rows = list(_rows_of_one_place(limits))
        self._stuck: dict[Uuid, list[Uuid]] = {}

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
        empty = self._problem.intent.empty
        hosts = (host for uuid, host in self._pool.hosts.items() if uuid not in empty)
        return sorted(hosts, key=lambda host: host.name)

    def blocked(self, vm: VM) -> Blocked | None:
        """What keeps *vm*, or None where some host may take it."""
        closed = tuple(
            Closed(
                host=host.uuid,
                name=host.name,
                pool=self._pool.of_host(host.uuid).called if crosses(vm, host, self._problem) else "",
                objections=tuple(self._against(vm, host)),
            )
            for host in sorted(self._open, key=lambda host: crosses(vm, host, self._problem))
            if host.uuid != vm.resident_on
        )
        if not all(each.objections for each in closed):
            return None
        here = self._pool.hosts[vm.resident_on or ""]
        main = _most_common([each.objections[0] for each in closed]) if closed else ALONE
        return Blocked(
            vm=vm.uuid,
            vm_name=vm.name,
            host=here.uuid,
            host_name=here.name,
            rule=main.rule,
            code=main.code,
            way_out=_way_out(closed),
            closed=closed,
        )

    def _stuck_on(self, host: Uuid) -> list[Uuid]:
        if host not in self._stuck:
            guests = (self._pool.vms[vm] for vm, at in self._problem.initial.host_of.items() if at == host)
            self._stuck[host] = [vm.uuid for vm in guests if not self._routes.targets(vm)]
        return self._stuck[host]

    def _against(self, vm: VM, host: Host) -> Iterator[Objection]:
        """What *host* has against *vm*, even without the guests that might make room."""
        if not self._routes.routes(vm, host):
            yield from self._no_way(vm, host)
        for rule, row in self._rows:
            joining = row.weights.arrival.get(vm.uuid, 0)
            if host.uuid not in row.places or not joining:
                continue
            held = sum(row.weights.resident.get(each, 0) for each in self._stuck_on(host.uuid))
            if held + joining > row.upper:
                refusal = rule.refusal(row, held, joining)
                yield replace(refusal, words=f"{refusal.words}, even once all who may leave it have left")

    def _no_way(self, vm: VM, host: Host) -> tuple[Objection, ...]:
        """Why no way leads *vm* to *host*; to another pool, what XenMotion would say does not matter."""
        with_disks = self._routes.why_no_disks(vm, host)
        if with_disks and crosses(vm, host, self._problem):
            return with_disks
        plain = (self._let_disks_go.settled(each, vm, host) for each in self._routes.live.objections(vm, host))
        return (*with_disks, *plain)


def _rows_of_one_place(limits: Iterable[Bound]) -> Iterator[tuple[PoolRule, Row]]:
    for bound in limits:
        if isinstance(bound.limit, Row) and bound.limit.hard and len(bound.limit.places) == 1:
            yield bound.rule, bound.limit


def _most_common(objections: list[Objection]) -> Objection:
    """One of the rule that objects most often, the first of them where several do."""
    rules = [each.rule for each in objections]
    return max(objections, key=lambda each: rules.count(each.rule))


def _way_out(closed: Collection[Closed]) -> str:
    """What opens the host that asks for least; to shut the VM down where no host can be opened."""
    able = [each for each in closed if all(objection.remedy for objection in each.objections)]
    if not able:
        return SHUT_DOWN
    best = min(able, key=lambda each: len(_remedies(each)))
    there = f", and it may go to pool {best.pool}" if best.pool else ""
    return " and ".join(_remedies(best)) + there


def _remedies(closed: Closed) -> tuple[str, ...]:
    return tuple(dict.fromkeys(objection.remedy for objection in closed.objections))
