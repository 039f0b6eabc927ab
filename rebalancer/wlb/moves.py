"""Moves that XAPI may carry out in any order, and several at once: each is legal whatever else of them runs.

XAPI and its clients keep no order: answers become a map. So a move counts here on both of its hosts for good, and each
is legal with all others under way. What has to wait for another move is told once that one is done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from rebalancer.inventory import VM, Host, Uuid
from rebalancer.placement import Migration
from rebalancer.plan import Plan, Step
from rebalancer.rules.core.ledger import Ledger
from rebalancer.wlb.protocol.answers import Move
from rebalancer.wlb.stars import joined
from rebalancer.wlb.view import Loads, View

DIGITS: Final = 7
"""Hexadecimal digits of a plan's digest that its number is made of: XenAPI's clients read it as an integer."""

Targets = Mapping[Uuid, Uuid]
"""Hosts of VMs."""
WORDS: Final = (("relieves ", "Cpu"), ("levels ", "Cpu"), ("leaves ", "Consolidate"))
"""How reasons begin for which XenCenter has a word; whatever else it is told it shows as unknown."""


def optimisation(view: View, plan: Plan) -> tuple[Move, ...]:
    """The steps of *plan* that may be carried out now, in any order, in the order of the plan; numbered as there.

    Left out are those that wait for others, those of VMs that move twice, those that take disks along, and those whose
    VM is not where the plan found it.
    """
    under_way = _UnderWay(view, plan.predicted.host_of)
    twice = [step.vm for step in plan.steps]
    moves = [
        Move(number=number, vm=step.vm, source=step.source, target=step.target, reason=told(step.why))
        for number, step in enumerate(plan.steps, start=1)
        if twice.count(step.vm) == 1 and not step.disks and not step.crossing and under_way.takes(step)
    ]
    split = _split(view, {move.vm: move.target for move in moves})
    return tuple(move for move in moves if move.vm not in split)


def told(why: str) -> str:
    """The reason of a step as XenCenter knows it; its own words where XenCenter has none."""
    return next((word for start, word in WORDS if why.startswith(start)), why)


def number_of(plan: Plan) -> int:
    """The number of *plan*: the same plan has the same one."""
    return int(plan.digest.removeprefix("sha256:")[:DIGITS], 16)


def evacuation(view: View, host: Uuid, solved: Targets = MappingProxyType({})) -> tuple[Move, ...]:
    """Where the VMs on *host* go; who has nowhere to go is left out.

    Those that are *solved* go there, if they still may. The others go where load cost rises least: first those with the
    fewest hosts to go to, and of these the largest; where somebody is left over, the largest first is tried, too, and
    everybody without the solution. VMs go, too, that are left alone but for maintenance.
    """
    view = view.emptying
    leaving = [view.problem.pool.vms[vm] for vm, where in view.problem.initial.host_of.items() if where == host]
    best: tuple[Migration, ...] = ()
    for known, order in _ways(view, leaving, solved):
        packed = tuple(_packed(view, host, order, known))
        split = _split(view, {move.vm: move.target for move in packed})
        found = tuple(move for move in packed if move.vm not in split)
        best = max(best, found, key=len)
        if len(best) == len(leaving):
            break
    return tuple(
        Move(number=number, vm=move.vm, source=move.source, target=move.target)
        for number, move in enumerate(sorted(best, key=lambda move: move.vm), start=1)
    )


def _ways(view: View, leaving: Sequence[VM], solved: Targets) -> Iterator[tuple[Targets, Sequence[VM]]]:
    """What to keep to, and in which order to place the others."""
    choices = {vm.uuid: len(view.book.live.targets(vm)) for vm in leaving}
    scarcest = sorted(leaving, key=lambda vm: (choices[vm.uuid], -vm.memory.static_max_bytes, vm.uuid))
    largest = sorted(leaving, key=lambda vm: (-vm.memory.static_max_bytes, choices[vm.uuid], vm.uuid))
    if solved:
        yield solved, sorted(scarcest, key=lambda vm: vm.uuid not in solved)
    yield {}, scarcest
    yield {}, largest


def _packed(view: View, host: Uuid, order: Sequence[VM], solved: Targets) -> Iterator[Migration]:
    where = view.problem.initial.host_of
    under_way = _UnderWay(view, {each: there for each, there in where.items() if there != host})
    load = None if view.load is None else view.load.copy()
    for vm in order:
        for target in _targets(view, vm, host, solved, load):
            if under_way.accepts(vm, target):
                if load is not None:
                    load[view.place_of[target.uuid]] += view.load_of(vm)
                yield Migration(vm=vm.uuid, source=host, target=target.uuid)
                break


def _targets(view: View, vm: VM, host: Uuid, solved: Targets, load: Loads | None) -> Iterator[Host]:
    """The host that is solved, where there is one, then all but *host*, the cheapest first."""
    hosts = view.problem.pool.hosts
    if (known := hosts.get(solved.get(vm.uuid, host))) is not None and known.uuid != host:
        yield known
    yield from _cheapest_first(view, vm, [each for each in hosts.values() if each.uuid != host], load)


def _cheapest_first(view: View, vm: VM, hosts: Sequence[Host], load: Loads | None) -> Sequence[Host]:
    if load is None:
        return hosts
    cost, busy = joined(view, vm, load)
    return sorted(hosts, key=lambda host: (cost[view.place_of[host.uuid]], busy[view.place_of[host.uuid]], host.uuid))


def _split(view: View, moved: Mapping[Uuid, Uuid]) -> set[Uuid]:
    """VMs of groups that have to stay together, and that would not be once the VMs in *moved* are where they go."""
    where = view.problem.initial.host_of
    after = {**where, **moved}
    apart = (group for group in view.groups if len({after[vm] for vm in group if vm in after}) > 1)
    return {vm for group in apart for vm in group}


class _UnderWay:
    """Moves that have begun and not ended: each VM holds both hosts; *ends* is where VMs end, as far as known."""

    def __init__(self, view: View, ends: Mapping[Uuid, Uuid]) -> None:
        self._view = view
        self._ledger: Ledger = view.new_ledger()
        self._ends = dict(ends)

    def takes(self, step: Step) -> bool:
        """Let a step begin, if it may and its VM is where it was."""
        pool = self._view.problem.pool
        vm, target = pool.vms.get(step.vm), pool.hosts.get(step.target)
        return bool(vm and target and vm.resident_on == step.source and self.accepts(vm, target))

    def accepts(self, vm: VM, target: Host) -> bool:
        """Let *vm* begin to move, if the rules allow it beside all that is under way."""
        if self._view.book.live.objections_with(self._ledger, vm, target) or not self._stays_together(vm, target):
            return False
        self._ledger.join(vm.uuid, target.uuid)
        self._ends[vm.uuid] = target.uuid
        return True

    def _stays_together(self, vm: VM, target: Host) -> bool:
        """Whether *target* is where all others of a group end, as far as that is known."""
        groups = (group - {vm.uuid} for group in self._view.groups if vm.uuid in group)
        return all({self._ends[each] for each in group if each in self._ends} <= {target.uuid} for group in groups)
