"""Who cannot leave a host, whatever else moves: for every VM, what each other host has against it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from rebalancer.inventory import VM, Host, Uuid
from rebalancer.legality.let_disks_go import LetDisksGo
from rebalancer.legality.report import ALONE
from rebalancer.rules import Legality, Objection, Row
from rebalancer.rules.facts.counterparts import crosses
from rebalancer.rules.routes import Routes

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


def blocked_on(hosts: Collection[Uuid], legality: Legality) -> tuple[Blocked, ...]:
    """The VMs that cannot leave *hosts*, by host and name; `legality` is of a problem that empties *hosts*.

    Proven for each VM by itself: a rule on VMs, hosts or pairs objects, or a limit of the target is used up by VMs
    that cannot leave the target. Whether all others find room together is for the solver to say.
    """
    pool = legality.problem.pool
    asking = _Asking(legality)
    guests = [vm for vm in pool.resident_guests() if vm.resident_on in hosts]
    found = [blocked for vm in guests if (blocked := asking.blocked(vm))]
    return tuple(sorted(found, key=lambda each: (each.host_name, each.host, each.vm_name, each.vm)))


class _Asking:
    """One problem, asked about many VMs."""

    def __init__(self, legality: Legality) -> None:
        self._legality, self._pool = legality, legality.problem.pool
        self._ways = Routes(legality.problem, legality.rules)
        self._let_disks_go = LetDisksGo(legality.problem, legality.rules)
        empty = legality.problem.intent.empty
        self._open = sorted(
            (host for uuid, host in self._pool.hosts.items() if uuid not in empty), key=lambda host: host.name
        )
        self._stuck = {host.uuid: self._stuck_on(host.uuid) for host in self._open}
        self._rows = [
            (rule, row)
            for rule in legality.pool_rules
            for row in rule.limits(legality.problem)
            if isinstance(row, Row) and row.hard and len(row.places) == 1
        ]

    def blocked(self, vm: VM) -> Blocked | None:
        """What keeps *vm*, or None where some host may take it."""
        closed = tuple(
            Closed(
                host=host.uuid,
                name=host.name,
                pool=self._pool.of_host(host.uuid).called if crosses(vm, host, self._legality.problem) else "",
                objections=tuple(self._against(vm, host)),
            )
            for host in sorted(self._open, key=lambda host: crosses(vm, host, self._legality.problem))
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
        """Guests of *host* that have no other host to go to."""
        guests = (self._pool.vms[vm] for vm, at in self._legality.problem.initial.host_of.items() if at == host)
        return [vm.uuid for vm in guests if not self._ways.targets(vm)]

    def _against(self, vm: VM, host: Host) -> Iterator[Objection]:
        """What *host* has against *vm*, even without the guests that might make room."""
        if not self._ways.ways(vm, host):
            yield from self._no_way(vm, host)
        for rule, row in self._rows:
            held = sum(row.weights.get(each, 0) for each in self._stuck[host.uuid])
            joining = row.arrival_weights.get(vm.uuid, 0)
            if host.uuid in row.places and joining and held + joining > row.upper:
                refusal = rule.refusal(row, held, joining)
                yield replace(refusal, words=f"{refusal.words}, even once all who may leave it have left")

    def _no_way(self, vm: VM, host: Host) -> tuple[Objection, ...]:
        """Why no way leads *vm* to *host*; to another pool, what XenMotion would say does not matter."""
        with_disks = self._ways.why_none(vm, host)
        if with_disks and crosses(vm, host, self._legality.problem):
            return with_disks
        plain = (self._let_disks_go.settled(each, vm, host) for each in self._legality.objections(vm, host))
        return (*plain, *with_disks)


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
    """All that has to be done for one host, each thing once."""
    return tuple(dict.fromkeys(objection.remedy for objection in closed.objections))
