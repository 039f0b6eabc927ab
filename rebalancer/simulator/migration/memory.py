"""The memory of VMs with a dynamic range: cut to its minimum while it is copied, given back on the new host."""

from __future__ import annotations

from rebalancer.simulator.state.database import Record
from rebalancer.simulator.state.world import World


def squeeze(world: World, vm: str) -> None:
    """Let the guest give back all beyond its dynamic minimum; nobody restores it where the move fails."""
    record = world.database.get("VM", vm)
    if _has_range(record):
        _set(world, record, int(record["memory_dynamic_min"]), cut=True)


def give_back(world: World, vm: str) -> None:
    """Let a guest that arrived have all of its range, as a host with room does."""
    record = world.database.get("VM", vm)
    if _has_range(record):
        _set(world, record, int(record["memory_dynamic_max"]), cut=False)


def _has_range(record: Record) -> bool:
    return int(record["memory_dynamic_min"]) < int(record["memory_dynamic_max"])


def _set(world: World, record: Record, size: int, *, cut: bool) -> None:
    """Nothing grows that is cut, and nothing shrinks that grows."""
    metrics = world.database.find("VM_metrics", record["metrics"])
    if metrics is not None and (int(metrics["memory_actual"]) > size) is cut:
        world.database.change("VM_metrics", record["metrics"], memory_actual=str(size))
