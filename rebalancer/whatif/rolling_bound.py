"""What no sequence of stages that works on the same hosts, and brings the same VMs home, copies less than."""

from __future__ import annotations

from rebalancer.inventory import Host, Uuid
from rebalancer.placement import Placement, disks_of
from rebalancer.problem import Problem
from rebalancer.rules.facts.sizes import DiskSizes
from rebalancer.units import size_in_words
from rebalancer.whatif.itinerary import Itinerary, Walked


def bound_of(way: Itinerary, walk: Walked) -> tuple[int, str]:
    """Bytes that no sequence of stages undercuts that brings the same VMs home as *walk*, and why."""
    order = walk.done
    start, end, pool = way.start.initial, walk.end.initial, way.start.pool
    away = {move.vm for move in end.moves_to(start)}
    leaving = {
        vm: least_copied(vm, way.start) for vm, at in start.host_of.items() if at in order and vm not in way.pinned
    }
    leaving = {vm: size for vm, size in leaving.items() if vm not in way.pinned}
    once = sum(leaving.values())
    stay = " but those that are shut down there" if way.pinned else ""
    words = f"every VM{stay} leaves its host once ({size_in_words(once)})"
    if not walk.habit.leaves_vms_away:
        strayed = {vm: pool.vms[vm].migration_memory_bytes for vm in leaving if disks_astray(vm, start, end)}
        home = sum(size for vm, size in (leaving | strayed).items() if vm not in away)
        return once + home, f"{words}, and those that end at home return ({size_in_words(home)})"
    first = sum(pool.vms[vm].migration_memory_bytes for vm in leaving if start[vm] == order[0])
    if any(host.enabled for uuid, host in pool.hosts.items() if uuid not in order):
        return once, words
    again = f"those of the first host ({size_in_words(first)}) go where they have to leave again"
    return once + first, f"{words}, and {again}"


def least_copied(vm: Uuid, problem: Problem) -> int:
    """Bytes that *vm* copies at least to leave its host: its memory, and the disks that no other host sees with it.

    They are those of the host that sees most of them; whether a rule lets the VM go there is not asked.
    """
    home = problem.initial[vm]
    others = [host for uuid, host in problem.pool.hosts.items() if uuid != home]
    disks = min((_unseen_bytes(vm, host, problem) for host in others), default=0)
    return problem.pool.vms[vm].migration_memory_bytes + disks


def _unseen_bytes(vm: Uuid, host: Host, problem: Problem) -> int:
    sizes, pool = DiskSizes(problem), problem.pool
    return sum(sizes.copied(disk) for _, disk in disks_of(pool.vms[vm], pool) if disk.sr not in host.attached_srs)


def disks_astray(vm: Uuid, start: Placement, end: Placement) -> tuple[tuple[Uuid, Uuid], ...]:
    """For each disk of *vm* that is on another SR at *end* than at *start*: that of the start, and that of the end."""
    then, now = start.srs_of.get(vm, {}), end.srs_of.get(vm, {})
    return tuple((then[drive], now[drive]) for drive in sorted(then.keys() & now.keys()) if then[drive] != now[drive])
