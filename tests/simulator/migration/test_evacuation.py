from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import XenAPI

from rebalancer.simulator import SimulatedPool, Simulator
from rebalancer.simulator.checks.packing import packed
from rebalancer.simulator.state.database import Database

# The stock client answers with whatever the method answers.
Proxy = Any
Records = dict[str, dict[str, dict[str, Any]]]
LIVE = {"live": "true"}


def busiest(simulator: Simulator) -> tuple[str, list[str]]:
    """The host with most guests, and its guests."""
    guests: dict[str, list[str]] = {ref: [] for ref, _ in simulator.database.items("host")}
    for ref, vm in simulator.database.items("VM"):
        if vm["power_state"] == "Running" and not vm["is_control_domain"]:
            guests[vm["resident_on"]].append(ref)
    return max(guests.items(), key=lambda entry: len(entry[1]))


def finished(xapi: Proxy, task: str, seconds: float = 120.0) -> dict[str, Any]:
    """The record of a task once it is over."""
    deadline = time.monotonic() + seconds
    while xapi.task.get_status(task) == "pending":
        assert time.monotonic() < deadline, "the task does not end"
        time.sleep(0.02)
    record: dict[str, Any] = xapi.task.get_record(task)
    return record


def test_a_host_is_emptied(simulator: Simulator, xapi: Proxy) -> None:
    """After host.evacuate no guest is on the host, each has its message, and no operation and no task is left."""
    host, guests = busiest(simulator)
    assert xapi.host.get_vms_which_prevent_evacuation(host) == {}
    xapi.host.assert_can_evacuate(host)
    assert xapi.host.evacuate(host) == ""
    assert not set(guests) & set(xapi.host.get_resident_VMs(host))
    assert {xapi.VM.get_power_state(vm) for vm in guests} == {"Running"}
    about = [message["obj_uuid"] for message in xapi.message.get_all_records().values()]
    assert sorted(about) == sorted(xapi.VM.get_uuid(vm) for vm in guests)
    assert xapi.host.get_current_operations(host) == {}
    assert xapi.task.get_all() == []


def busy(xapi: Proxy, guests: list[str]) -> int:
    """How many of *guests* have an operation under way at one moment."""
    records = xapi.VM.get_all_records()
    return sum(bool(records[vm]["current_operations"]) for vm in guests)


def test_emptying_shows_in_the_records(small_pool: SimulatedPool, connect: Callable[[Simulator], Proxy]) -> None:
    """A host that is being emptied is busy with evacuate, takes no VM, and its guests move so many at a time."""
    with Simulator(small_pool, speed=40.0, password="secret") as simulator:
        xapi = connect(simulator).xenapi
        host, guests = busiest(simulator)
        stranger = next(
            ref
            for ref, vm in simulator.database.items("VM")
            if vm["power_state"] == "Running" and not vm["is_control_domain"] and vm["resident_on"] != host
        )
        task = xapi.Async.host.evacuate(host, "OpaqueRef:NULL", 2)
        moving, seen = 0, 0.0
        while xapi.task.get_status(task) == "pending":
            under_way = busy(xapi, guests)
            moving = max(moving, under_way)
            if under_way and xapi.task.get_status(task) == "pending":
                assert xapi.host.get_current_operations(host) == {task: "evacuate"}
                with pytest.raises(XenAPI.Failure) as refused:
                    xapi.VM.pool_migrate(stranger, host, LIVE)
                assert refused.value.details == ["OTHER_OPERATION_IN_PROGRESS", "host", host, "evacuate", task]
                break
        while xapi.task.get_status(task) == "pending":
            moving = max(moving, busy(xapi, guests))
            record = xapi.task.get_record(task)
            seen = max(seen, record["progress"] if record["status"] == "pending" else 0.0)
        assert finished(xapi, task)["status"] == "success"
    assert moving == 2
    assert seen >= 0.99 / len(guests)


def test_one_vm_that_cannot_go_keeps_all(simulator: Simulator, xapi: Proxy) -> None:
    """With one guest blocked nothing moves, and every call about the host says why."""
    host, guests = busiest(simulator)
    simulator.database.change("VM", guests[1], blocked_operations={"pool_migrate": "no"})
    words = ["OPERATION_BLOCKED", guests[1], "no"]
    assert xapi.host.get_vms_which_prevent_evacuation(host) == {guests[1]: words}
    with pytest.raises(XenAPI.Failure) as refused:
        xapi.host.assert_can_evacuate(host)
    assert refused.value.details == ["CANNOT_EVACUATE_HOST", ",".join(words)]
    with pytest.raises(XenAPI.Failure) as refused:
        xapi.host.evacuate(host)
    assert refused.value.details == words
    assert {xapi.VM.get_resident_on(vm) for vm in guests} == {host}
    assert xapi.host.get_current_operations(host) == {}


def test_a_move_that_fails_ends_the_evacuation(simulator: Simulator, xapi: Proxy) -> None:
    """The code of a failed move is that of host.evacuate; what has not begun does not begin."""
    host, guests = busiest(simulator)
    simulator.faults.add("move-fails", code="VM_MIGRATE_FAILED", params="a b c d")
    with pytest.raises(XenAPI.Failure) as refused:
        xapi.host.evacuate(host, "OpaqueRef:NULL", 1)
    assert refused.value.details == ["VM_MIGRATE_FAILED", "a", "b", "c", "d"]
    assert {xapi.VM.get_resident_on(vm) for vm in guests} == {host}


def test_a_transfer_network_needs_addresses(simulator: Simulator, xapi: Proxy) -> None:
    """A network without addresses refuses the evacuation before any VM moves."""
    host, guests = busiest(simulator)
    bare = next(p["network"] for _, p in simulator.database.items("PIF") if p["host"] == host and not p["IP"])
    with pytest.raises(XenAPI.Failure, match="PIF_HAS_NO_NETWORK_CONFIGURATION"):
        xapi.host.evacuate(host, bare, 0)
    assert {xapi.VM.get_resident_on(vm) for vm in guests} == {host}


def test_a_host_that_vms_come_to_is_not_emptied(simulator: Simulator, xapi: Proxy) -> None:
    """While a VM moves in, host.evacuate is refused at once."""
    host, _ = busiest(simulator)
    simulator.database.change("host", host, current_operations={"OpaqueRef:a": "vm_migrate"})
    with pytest.raises(XenAPI.Failure) as refused:
        xapi.host.evacuate(host)
    assert refused.value.details == ["OTHER_OPERATION_IN_PROGRESS", "host", host, "vm_migrate", "OpaqueRef:a"]


def test_ha_keeps_a_host_that_its_plan_needs(simulator: Simulator, xapi: Proxy) -> None:
    """With HA on, a host is not emptied if no plan is left without it; overcommit lets it go."""
    host, guests = busiest(simulator)
    ref, _ = next(simulator.database.items("pool"))
    simulator.database.change("pool", ref, ha_enabled=True, ha_plan_exists_for="2")
    for vm in guests:
        simulator.database.change("VM", vm, ha_always_run=True, ha_restart_priority="restart")
    assert xapi.pool.ha_failover_plan_exists(2)
    with pytest.raises(XenAPI.Failure, match="HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN"):
        xapi.host.evacuate(host)
    assert {xapi.VM.get_resident_on(vm) for vm in guests} == {host}
    simulator.database.change("pool", ref, ha_allow_overcommit=True)
    xapi.host.evacuate(host)
    assert host not in {xapi.VM.get_resident_on(vm) for vm in guests}


def group_of(count: int, *, free: dict[str, int], there: dict[str, str]) -> tuple[Database, dict[str, str]]:
    """A pool with `count` VMs of one group that is to stay apart, some of them placed, on hosts with room."""
    names = [f"vm{number}" for number in range(count)]
    vms = {
        name: {"groups": ["apart"], "power_state": "Running", "resident_on": there.get(name, "leaving")}
        for name in names
    }
    records: Records = {
        "host": {host: {} for host in ("leaving", *free)},
        "VM": vms,
        "VM_group": {"apart": {"placement": "anti_affinity", "VMs": names}},
        "pool": {"pool": {"restrictions": {"restrict_vm_groups": "false"}}},
    }
    database = Database(records)
    leaving = {name: 10 for name in names if name not in there}
    return database, packed(database, free, leaving)


def test_groups_are_spread_evenly_where_memory_allows() -> None:
    """VMs of a group that is to stay apart leave for the hosts with fewest of it, not for the one with most room."""
    _, plan = group_of(4, free={"big": 100, "small": 20}, there={"vm3": "big"})
    assert sorted(plan.values()) == ["big", "small", "small"]


def test_groups_are_on_two_hosts_where_no_more_is_possible() -> None:
    """Where an even spread does not fit, one VM goes to a second host and the others to where room is."""
    _, plan = group_of(4, free={"big": 100, "small": 10}, there={})
    assert sorted(plan.values()) == ["big", "big", "big", "small"]


def test_groups_do_not_count_where_memory_is_short() -> None:
    """Where nothing can be spread, all go where they fit; what fits nowhere is left out."""
    _, plan = group_of(2, free={"big": 100, "small": 1}, there={})
    assert list(plan.values()) == ["big", "big"]
    assert group_of(2, free={"big": 10, "small": 1}, there={})[1] == {"vm0": "big"}


def test_the_biggest_go_first_each_to_most_room() -> None:
    """Without groups a VM goes to the host with most memory left, the biggest VM first."""
    records: Records = {
        "host": {"a": {}, "b": {}},
        "VM": {name: {"groups": []} for name in ("s", "m", "l")},
        "pool": {"pool": {"restrictions": {"restrict_vm_groups": "false"}}},
    }
    plan = packed(Database(records), {"a": 10, "b": 8}, {"s": 3, "m": 4, "l": 9})
    assert plan == {"l": "a", "m": "b", "s": "b"}


def test_old_tasks_go(simulator: Simulator, xapi: Proxy) -> None:
    """A task that is over is forgotten after 65 minutes, and the oldest of more than 200; pending ones stay."""
    host, _ = busiest(simulator)
    begun = simulator.world.clock()
    first = xapi.Async.host.disable(host)
    finished(xapi, first)
    simulator.world.clock = lambda: begun + 64 * 60
    second = xapi.Async.host.enable(host)
    finished(xapi, second)
    assert set(xapi.task.get_all()) == {first, second}
    simulator.world.clock = lambda: begun + 66 * 60
    finished(xapi, xapi.Async.host.enable(host))
    assert first not in xapi.task.get_all()
    pending = simulator.database.get("task", second) | {"status": "pending", "finished": "19700101T00:00:00Z"}
    waiting = simulator.database.add("task", pending)
    for _ in range(230):
        simulator.database.add("task", {**pending, "status": "success", "finished": "20990101T00:00:00Z"})
    finished(xapi, xapi.Async.host.enable(host))
    assert simulator.database.count("task") == 201
    assert waiting in xapi.task.get_all()
