from __future__ import annotations

import time
from typing import Any

import pytest
import XenAPI

from rebalancer.simulator import SimulatedPool, Simulator
from rebalancer.simulator.migration.transfer import LINK_BYTES_PER_SECOND, MoveRequest, memory_seconds, sharing

# The stock client answers with whatever the method answers.
Proxy = Any
AT_ONCE = 1000.0


def guest_and_target(simulator: Simulator, number: int = 0) -> tuple[str, str, str]:
    """A running guest, where it is, and another host."""
    guests = [
        (ref, vm)
        for ref, vm in simulator.database.items("VM")
        if vm["power_state"] == "Running" and not vm["is_control_domain"]
    ]
    ref, vm = guests[number]
    return ref, vm["resident_on"], next(h for h, _ in simulator.database.items("host") if h != vm["resident_on"])


def finished(xapi: Proxy, task: str, seconds: float = 120.0) -> dict[str, Any]:
    """The record of a task once it is over."""
    deadline = time.monotonic() + seconds
    while xapi.task.get_status(task) == "pending":
        assert time.monotonic() < deadline, "the task does not end"
        time.sleep(0.02)
    record: dict[str, Any] = xapi.task.get_record(task)
    return record


def slow_pool(small_pool: SimulatedPool) -> Simulator:
    """The small pool with moves slow enough to be looked at, however busy the machine is."""
    return Simulator(small_pool, speed=0.1, password="secret")


def under_way(xapi: Proxy, task: str) -> None:
    """Wait until something of a move is done."""
    while not xapi.task.get_progress(task):
        time.sleep(0.01)


def test_a_synchronous_move_returns_when_the_vm_is_there(simulator: Simulator, xapi: Proxy) -> None:
    """After VM.pool_migrate the VM, both hosts and the domain id say the same, and nothing stays reserved."""
    vm, source, target = guest_and_target(simulator)
    before = xapi.host.get_allowed_operations(target)
    assert xapi.VM.pool_migrate(vm, target, {"live": "true"}) == ""
    record = xapi.VM.get_record(vm)
    assert (record["resident_on"], record["scheduled_to_be_resident_on"]) == (target, "OpaqueRef:NULL")
    assert record["current_operations"] == {}
    assert vm in xapi.host.get_resident_VMs(target)
    assert vm not in xapi.host.get_resident_VMs(source)
    for host in (source, target):
        free = xapi.host_metrics.get_memory_free(xapi.host.get_metrics(host))
        assert free == xapi.host.compute_free_memory(host)
    assert sorted(xapi.host.get_allowed_operations(target)) == sorted(before)


def test_a_move_under_way_shows_in_the_records(small_pool: SimulatedPool, connect: Proxy) -> None:
    """While a VM moves, XAPI's marks are set on the VM, the target and the task, and memory is held on both hosts."""
    with slow_pool(small_pool) as simulator:
        xapi = connect(simulator).xenapi
        vm, source, target = guest_and_target(simulator)
        free = {host: int(xapi.host.compute_free_memory(host)) for host in (source, target)}
        size = int(xapi.VM.get_memory_dynamic_min(vm)) + int(xapi.VM.get_memory_overhead(vm))
        task = xapi.Async.VM.pool_migrate(vm, target, {"live": "true"})
        under_way(xapi, task)
        record = xapi.VM.get_record(vm)
        assert record["current_operations"] == {task: "pool_migrate"}
        assert (record["resident_on"], record["scheduled_to_be_resident_on"]) == (source, target)
        assert sorted(record["allowed_operations"]) == ["hard_reboot", "hard_shutdown"]
        assert xapi.host.get_current_operations(target) == {task: "vm_migrate"}
        assert "evacuate" not in xapi.host.get_allowed_operations(target)
        assert 0.0 < xapi.task.get_progress(task) < 1.0
        assert xapi.task.get_allowed_operations(task) == ["cancel"]
        assert int(xapi.host.compute_free_memory(source)) == free[source]
        assert int(xapi.host.compute_free_memory(target)) == free[target] - size
        assert xapi.VM.get_possible_hosts(vm) == [target]
        simulator.world.speed = AT_ONCE
        done = finished(xapi, task)
        assert (done["status"], done["progress"], done["result"]) == ("success", 1.0, "<value></value>")
        assert int(xapi.host.compute_free_memory(source)) == free[source] + size


def test_a_second_move_waits_for_the_first(small_pool: SimulatedPool, connect: Proxy) -> None:
    """A move of a moving VM neither fails nor starts; it runs when the first is over."""
    with slow_pool(small_pool) as simulator:
        xapi = connect(simulator).xenapi
        vm, source, target = guest_and_target(simulator)
        first = xapi.Async.VM.pool_migrate(vm, target, {})
        under_way(xapi, first)
        second = xapi.Async.VM.pool_migrate(vm, source, {})
        time.sleep(0.05)
        assert xapi.task.get_status(second) == "pending"
        with pytest.raises(XenAPI.Failure) as refused:
            xapi.VM.assert_operation_valid(vm, "pool_migrate")
        assert refused.value.details == ["OTHER_OPERATION_IN_PROGRESS", "VM", vm, "pool_migrate", first]
        simulator.world.speed = AT_ONCE
        assert finished(xapi, first)["status"] == finished(xapi, second)["status"] == "success"
        assert xapi.VM.get_resident_on(vm) == source


def test_a_cancelled_move_leaves_everything_as_it_was(small_pool: SimulatedPool, connect: Proxy) -> None:
    """task.cancel ends a move as cancelled, without an error, the VM where it was; cancelling again is no error."""
    with slow_pool(small_pool) as simulator:
        xapi = connect(simulator).xenapi
        vm, source, target = guest_and_target(simulator)
        task = xapi.Async.VM.pool_migrate(vm, target, {})
        under_way(xapi, task)
        xapi.task.cancel(task)
        record = finished(xapi, task)
        assert (record["status"], record["error_info"], record["progress"]) == ("cancelled", [], 1.0)
        assert list(record["current_operations"].values()) == ["cancel"]
        assert xapi.VM.get_resident_on(vm) == source
        assert xapi.host.get_current_operations(target) == {}
        xapi.task.cancel(task)
        xapi.task.destroy(task)
        with pytest.raises(XenAPI.Failure, match="HANDLE_INVALID"):
            xapi.task.get_record(task)


def test_a_refused_move_is_a_failed_task(simulator: Simulator, xapi: Proxy) -> None:
    """Async returns a task even for a call that is refused; the code stands in error_info."""
    vm, _, target = guest_and_target(simulator)
    simulator.database.change("VM", vm, blocked_operations={"pool_migrate": "no"})
    task = xapi.Async.VM.pool_migrate(vm, target, {})
    record = finished(xapi, task)
    assert (record["status"], record["error_info"]) == ("failure", ["OPERATION_BLOCKED", vm, "no"])
    with pytest.raises(XenAPI.Failure) as refused:
        xapi.VM.pool_migrate(vm, target, {})
    assert refused.value.details == ["OPERATION_BLOCKED", vm, "no"]


def test_moves_into_one_host_take_turns_with_its_memory(simulator: Simulator, xapi: Proxy) -> None:
    """Of many moves at once into one host only those are accepted whose memory fits together."""
    target = guest_and_target(simulator)[2]
    host = simulator.database.get("host", target)
    guests = [
        ref
        for ref, vm in simulator.database.items("VM")
        if vm["power_state"] == "Running" and not vm["is_control_domain"] and vm["resident_on"] != target
    ]
    sizes = sorted(int(simulator.database.get("VM", ref)["memory_dynamic_min"]) for ref in guests)
    free = int(xapi.host.compute_free_memory(target))
    total = int(simulator.database.get("host_metrics", host["metrics"])["memory_total"])
    squeezed = total - free + sum(sizes) // 2
    simulator.database.change("host_metrics", host["metrics"], memory_total=str(squeezed))
    tasks = [xapi.Async.VM.pool_migrate(ref, target, {}) for ref in guests]
    records = [finished(xapi, task) for task in tasks]
    refused = [record["error_info"][0] for record in records if record["status"] == "failure"]
    assert set(refused) == {"HOST_NOT_ENOUGH_FREE_MEMORY"}
    assert any(record["status"] == "success" for record in records)
    assert int(xapi.host.compute_free_memory(target)) >= 0


def test_duration_follows_memory_and_shared_links(small_pool: SimulatedPool, connect: Proxy) -> None:
    """A VM takes as long as its memory on the link; two that move into one host share it, one has it for itself."""
    with slow_pool(small_pool) as simulator:
        xapi, world, target = connect(simulator).xenapi, simulator.world, guest_and_target(simulator)[2]
        guests = [
            (ref, vm["resident_on"], vm["metrics"])
            for ref, vm in simulator.database.items("VM")
            if vm["power_state"] == "Running" and not vm["is_control_domain"] and vm["resident_on"] != target
        ][:2]
        moves = []
        for gib, (vm, source, metrics) in enumerate(guests, start=1):
            simulator.database.change("VM_metrics", metrics, memory_actual=str(gib << 30))
            task = xapi.Async.VM.pool_migrate(vm, target, {})
            under_way(xapi, task)
            moves.append(MoveRequest(vm=vm, source=source, target=target, task=task, operation="pool_migrate"))
        seconds = [memory_seconds(world, move.vm) for move in moves]
        assert seconds == [gib * (1 << 30) / LINK_BYTES_PER_SECOND for gib in (1, 2)]
        assert [sharing(world, move) for move in moves] == [2, 2]
        xapi.task.cancel(moves[1].task)
        finished(xapi, moves[1].task)
        assert sharing(world, moves[0]) == 1


def test_a_vm_switched_off_while_it_moves_is_off(small_pool: SimulatedPool, connect: Proxy) -> None:
    """hard_shutdown cuts into a move: the VM is halted on no host and the move fails."""
    with slow_pool(small_pool) as simulator:
        xapi = connect(simulator).xenapi
        vm, source, target = guest_and_target(simulator)
        task = xapi.Async.VM.pool_migrate(vm, target, {})
        under_way(xapi, task)
        xapi.VM.hard_shutdown(vm)
        assert finished(xapi, task)["error_info"][0] == "VM_MIGRATE_FAILED"
        record = xapi.VM.get_record(vm)
        assert (record["power_state"], record["resident_on"], record["domid"]) == ("Halted", "OpaqueRef:NULL", "-1")
        assert vm not in xapi.host.get_resident_VMs(source)
        xapi.VM.start(vm, False, False)
        assert xapi.VM.get_power_state(vm) == "Running"


def test_ejecting_a_disc_frees_a_vm(xapi: Proxy) -> None:
    """VBD.eject empties a drive, and refuses an empty one."""
    vbd = next(ref for ref, record in xapi.VBD.get_all_records().items() if record["type"] == "CD" and record["empty"])
    with pytest.raises(XenAPI.Failure, match="VBD_IS_EMPTY"):
        xapi.VBD.eject(vbd)
