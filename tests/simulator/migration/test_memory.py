"""What a simulated migration does to the memory of a VM with a dynamic range."""

from __future__ import annotations

from typing import Any

import pytest
import XenAPI

from rebalancer.simulator import Simulator
from tests.simulator.storage.motion import LIVE, Move

Proxy = Any
LOW, HIGH = 1 << 29, 1 << 30


def with_range(simulator: Simulator, xapi: Proxy, *, low: int = LOW) -> tuple[Move, str]:
    """A move of a guest with such a range, its disks where both hosts see them; and the ref of its metrics."""
    move = Move(simulator, xapi)
    shared = next(ref for ref, sr in simulator.database.items("SR") if sr["type"] == "nfs")
    for disk in move.disks:
        simulator.database.change("VDI", disk, SR=shared)
    sizes = {"memory_dynamic_min": str(low), "memory_dynamic_max": str(HIGH), "memory_static_min": str(low)}
    simulator.database.change("VM", move.vm, **sizes)
    metrics: str = simulator.database.get("VM", move.vm)["metrics"]
    simulator.database.change("VM_metrics", metrics, memory_actual=str(HIGH))
    return move, metrics


def test_it_has_all_of_its_range_where_it_arrived(simulator: Simulator, xapi: Proxy) -> None:
    """What it gave back for the way, it gets again."""
    move, metrics = with_range(simulator, xapi)
    simulator.database.change("VM_metrics", metrics, memory_actual=str(LOW + 1))
    xapi.VM.pool_migrate(move.vm, move.target, LIVE)
    assert int(xapi.VM_metrics.get_memory_actual(metrics)) == HIGH


@pytest.mark.parametrize("low", [LOW, HIGH])
def test_a_move_that_fails_leaves_it_cut(simulator: Simulator, xapi: Proxy, low: int) -> None:
    """To its minimum, which nobody undoes, as on a real host; a VM whose range is none keeps what it has."""
    move, metrics = with_range(simulator, xapi, low=low)
    simulator.faults.add("move-fails", vm=simulator.database.get("VM", move.vm)["uuid"])
    with pytest.raises(XenAPI.Failure):
        xapi.VM.pool_migrate(move.vm, move.target, LIVE)
    assert int(xapi.VM_metrics.get_memory_actual(metrics)) == low
