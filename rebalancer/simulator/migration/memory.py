"""The memory of VMs with a dynamic range: cut to its minimum while it is copied, given back on the new host."""

from __future__ import annotations

from rebalancer.simulator.checks.memory import usable_memory
from rebalancer.simulator.state.database import Record
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.world import World


def squeeze(world: World, vm: str, there: World, host: str) -> None:
    """Let the guest give back all beyond its dynamic minimum; nobody restores it where the move fails.

    One that gives nothing back needs room for all that it has on the host, which is in the pool `there`.

    Raises:
        ApiFailure: HOST_NOT_ENOUGH_FREE_MEMORY [needed, available] where that is not there.
    """
    record = world.database.get("VM", vm)
    if world.faults.take("no-ballooning", vm=record["uuid"]):
        _assert_room(_in_use(world, record), there, host)
    elif _has_range(record):
        _set(world, record, int(record["memory_dynamic_min"]), cut=True)


def give_back(world: World, vm: str) -> None:
    """Let a guest that arrived have all of its range, as a host with room does."""
    record = world.database.get("VM", vm)
    if _has_range(record) and not world.faults.take("stays-squeezed", vm=record["uuid"]):
        _set(world, record, int(record["memory_dynamic_max"]), cut=False)


def _assert_room(needed: int, world: World, host: str) -> None:
    """Xen itself counts what VMs have, where XAPI's records count the least that they may have."""
    others = (vm for _, vm in world.database.items("VM") if vm["resident_on"] == host)
    free = max(0, usable_memory(world.database, host) - sum(_in_use(world, vm) for vm in others))
    if needed > free:
        raise ApiFailure("HOST_NOT_ENOUGH_FREE_MEMORY", str(needed), str(free))


def _in_use(world: World, record: Record) -> int:
    metrics = world.database.find("VM_metrics", record["metrics"])
    return int(metrics["memory_actual"] if metrics else record["memory_dynamic_max"]) + int(record["memory_overhead"])


def _has_range(record: Record) -> bool:
    return int(record["memory_dynamic_min"]) < int(record["memory_dynamic_max"])


def _set(world: World, record: Record, size: int, *, cut: bool) -> None:
    """Nothing grows that is cut, and nothing shrinks that grows."""
    metrics = world.database.find("VM_metrics", record["metrics"])
    if metrics is not None and (int(metrics["memory_actual"]) > size) is cut:
        world.database.change("VM_metrics", record["metrics"], memory_actual=str(size))
