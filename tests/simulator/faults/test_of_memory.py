"""Guests that give no memory back, and guests that get none again (XAPI.md 2.2)."""

from __future__ import annotations

from rebalancer.simulator import Simulator
from rebalancer.simulator.checks.memory import MIB, usable_memory
from tests.simulator.moving import Proxy, at_rest, first_move, task_end


def with_range(simulator: Simulator, vm: str) -> int:
    """Give a VM a dynamic range, twice what it had at its end, all of it in use; return its minimum in bytes."""
    record = simulator.database.get("VM", vm)
    least = int(record["memory_dynamic_min"])
    simulator.database.change("VM", vm, memory_dynamic_max=str(2 * least), memory_static_max=str(2 * least))
    simulator.database.change("VM_metrics", record["metrics"], memory_actual=str(2 * least))
    return least


def in_use(simulator: Simulator, vm: str) -> int:
    """Bytes that a VM has now."""
    metrics = simulator.database.get("VM", vm)["metrics"]
    return int(simulator.database.get("VM_metrics", metrics)["memory_actual"])


def test_a_guest_that_does_not_balloon_needs_all_it_has(simulator: Simulator, xapi: Proxy) -> None:
    """XAPI admits it by its minimum, and then Xen lacks the memory: HOST_NOT_ENOUGH_FREE_MEMORY, late."""
    vm, uuid, target = first_move(simulator)
    source, least = xapi.VM.get_resident_on(vm), with_range(simulator, vm)
    room = usable_memory(simulator.database, target)
    others = sum(
        int(simulator.database.get("VM_metrics", each["metrics"])["memory_actual"]) + int(each["memory_overhead"])
        for _, each in simulator.database.items("VM")
        if each["resident_on"] == target
    )
    metrics = simulator.database.get("host", target)["metrics"]
    total = int(simulator.database.get("host_metrics", metrics)["memory_total"])
    small = total - room + others + least + 512 * MIB
    simulator.database.change("host_metrics", metrics, memory_total=str(small))
    simulator.faults.add("no-ballooning", vm=uuid)
    ended = task_end(xapi, xapi.Async.VM.pool_migrate(vm, target, {}))
    assert ended["error_info"][0] == "HOST_NOT_ENOUGH_FREE_MEMORY"
    assert at_rest(simulator, vm) == ("Running", source)
    assert in_use(simulator, vm) == 2 * least


def test_a_guest_that_does_not_balloon_moves_where_there_is_room(simulator: Simulator, xapi: Proxy) -> None:
    """With all of its memory."""
    vm, uuid, target = first_move(simulator)
    least = with_range(simulator, vm)
    simulator.faults.add("no-ballooning", vm=uuid)
    xapi.VM.pool_migrate(vm, target, {})
    assert in_use(simulator, vm) == 2 * least


def test_a_guest_stays_squeezed(simulator: Simulator, xapi: Proxy) -> None:
    """It is on its target with its minimum of memory."""
    vm, uuid, target = first_move(simulator)
    least = with_range(simulator, vm)
    simulator.faults.add("stays-squeezed", vm=uuid)
    xapi.VM.pool_migrate(vm, target, {})
    assert in_use(simulator, vm) == least
