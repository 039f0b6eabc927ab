from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
import XenAPI

from rebalancer.simulator import Simulator
from rebalancer.simulator.faults.catalogue import FAULTS
from rebalancer.simulator.state.faults import Faults
from rebalancer.simulator.state.world import moment
from tests.simulator.moving import first_move, task_end

# The stock client answers with whatever the method answers.
Proxy = Any


def test_a_move_fails_late(simulator: Simulator, xapi: Proxy) -> None:
    """The wanted error ends the move half-way; the VM stays, nothing is reserved, and the next move works."""
    vm, uuid, target = first_move(simulator)
    source = xapi.VM.get_resident_on(vm)
    simulator.faults.add("move-fails", vm=uuid, code="HOST_NOT_ENOUGH_FREE_MEMORY", params="5 4")
    task = xapi.Async.VM.pool_migrate(vm, target, {})
    assert task_end(xapi, task)["error_info"] == ["HOST_NOT_ENOUGH_FREE_MEMORY", "5", "4"]
    assert (xapi.VM.get_resident_on(vm), xapi.VM.get_current_operations(vm)) == (source, {})
    xapi.VM.pool_migrate(vm, target, {})
    assert xapi.VM.get_resident_on(vm) == target


def test_a_vm_halts_in_its_move(simulator: Simulator, xapi: Proxy) -> None:
    """The VM is off afterwards, on no host, and the task says that the move failed."""
    vm, uuid, target = first_move(simulator)
    simulator.faults.add("vm-halts", vm=uuid)
    task = xapi.Async.VM.pool_migrate(vm, target, {})
    assert task_end(xapi, task)["error_info"][0] == "VM_MIGRATE_FAILED"
    assert (xapi.VM.get_power_state(vm), xapi.VM.get_resident_on(vm)) == ("Halted", "OpaqueRef:NULL")


@pytest.mark.parametrize(("kind", "code"), [("host-disabled", "HOST_DISABLED"), ("host-dead", "HOST_NOT_LIVE")])
def test_a_host_goes_away_between_moves(simulator: Simulator, xapi: Proxy, kind: str, code: str) -> None:
    """Once a move is over the named host takes no VM any more."""
    vm, _, target = first_move(simulator)
    home = xapi.VM.get_resident_on(vm)
    simulator.faults.add(kind, host=simulator.world.uuid("host", home))
    xapi.VM.pool_migrate(vm, target, {})
    with pytest.raises(XenAPI.Failure, match=code):
        xapi.VM.pool_migrate(vm, home, {})


def test_storage_goes_away_between_moves(simulator: Simulator, xapi: Proxy) -> None:
    """Once a move is over the named host has no shared SR any more."""
    vm, _, target = first_move(simulator)
    home = xapi.VM.get_resident_on(vm)
    simulator.faults.add("pbd-unplugged", host=simulator.world.uuid("host", home))
    xapi.VM.pool_migrate(vm, target, {})
    with pytest.raises(XenAPI.Failure, match="VM_REQUIRES_SR"):
        xapi.VM.pool_migrate(vm, home, {})


def test_somebody_else_moves_a_vm(simulator: Simulator, xapi: Proxy) -> None:
    """Another VM changes its host while the plan runs."""
    vm, uuid, target = first_move(simulator)
    other, record = next(
        (r, v)
        for r, v in simulator.database.items("VM")
        if v["uuid"] != uuid and v["allowed_operations"].count("pool_migrate")
    )
    to = next(h for h, _ in simulator.database.items("host") if h != record["resident_on"])
    simulator.faults.add("other-actor", vm=uuid, other=record["uuid"], to=simulator.world.uuid("host", to))
    xapi.VM.pool_migrate(vm, target, {})
    assert xapi.VM.get_resident_on(other) == to


@pytest.mark.parametrize("outcome", ["moved", "stayed"])
def test_the_toolstack_restarts(simulator: Simulator, xapi: Proxy, connect: Proxy, outcome: str) -> None:
    """All tasks end as cancelled, sessions are gone, and the VM is where the outcome says, with nothing reserved."""
    vm, uuid, target = first_move(simulator)
    home = xapi.VM.get_resident_on(vm)
    simulator.faults.add("toolstack-restart", vm=uuid, outcome=outcome)
    task = xapi.Async.VM.pool_migrate(vm, target, {})
    deadline = time.monotonic() + 120.0
    while simulator.world.restarts == 0:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    while simulator.database.get("VM", vm)["current_operations"]:
        time.sleep(0.02)
    again = connect(simulator).xenapi
    assert again.task.get_status(task) == "cancelled"
    assert again.VM.get_resident_on(vm) == (target if outcome == "moved" else home)
    assert (again.VM.get_current_operations(vm), again.host.get_current_operations(target)) == ({}, {})


def test_a_connection_is_reset_after_the_call_was_carried_out(simulator: Simulator, xapi: Proxy) -> None:
    """The client sees a reset, the pool has done the work: one task exists."""
    vm, _, target = first_move(simulator)
    simulator.faults.add("connection-reset", method="Async.VM.pool_migrate")
    body = '{"jsonrpc":"2.0","id":1,"method":"session.login_with_password","params":["root","secret"]}'
    session = httpx.post(simulator.url + "/jsonrpc", content=body).json()["result"]
    call = {"jsonrpc": "2.0", "id": 1, "method": "Async.VM.pool_migrate", "params": [session, vm, target, {}]}
    with pytest.raises(httpx.TransportError):
        httpx.post(simulator.url + "/jsonrpc", json=call)
    (task,) = xapi.task.get_all()
    assert task_end(xapi, task)["status"] == "success"
    assert xapi.VM.get_resident_on(vm) == target


def test_a_session_expires(simulator: Simulator, connect: Proxy) -> None:
    """SESSION_INVALID comes before the call is carried out; the stock client logs in again by itself."""
    session = connect(simulator)
    simulator.faults.add("session-expires", method="VM.get_all")
    before = session._session
    assert session.xenapi.VM.get_all()
    assert session._session != before


def test_an_answer_comes_late(simulator: Simulator, xapi: Proxy) -> None:
    """A slow call takes the asked time longer, the next one does not."""
    simulator.faults.add("slow", method="VM.get_all", seconds=0.3)
    begun = time.monotonic()
    xapi.VM.get_all()
    assert time.monotonic() - begun >= 0.3
    assert simulator.faults.take("slow", method="VM.get_all") is None


def test_metrics_fail_in_three_ways(simulator: Simulator) -> None:
    """One host answers 500, knows nothing, or is late; the other hosts answer."""
    first, second = list(simulator.urls)[:2]

    def ask(host: str) -> httpx.Response:
        query = {"start": str(int(time.time()) - 60), "host": "true"}
        url = simulator.urls[host] + "/rrd_updates"
        return httpx.get(url, params=query, headers={"Accept": "text/xml"}, auth=("root", "secret"))

    simulator.faults.add("rrd-error", host=first)
    assert (ask(second).status_code, ask(first).status_code, ask(first).status_code) == (200, 500, 200)
    simulator.faults.add("rrd-unknown", host=first)
    assert set(ask(first).text.split("<data>")[1].split("<v>")[1:]) & {"NaN</v>"}
    simulator.faults.add("rrd-slow", host=first, seconds=0.2)
    assert ask(first).elapsed.total_seconds() >= 0.2


def test_a_clock_is_off(simulator: Simulator, xapi: Proxy) -> None:
    """One host's clock differs by the asked seconds for as long as the fault lasts."""
    host = simulator.world.coordinator
    simulator.faults.add("clock-skew", host=simulator.world.uuid("host", host), seconds=7200, times=-1)
    skewed = simulator.world.host_time(host) - simulator.world.clock()
    assert skewed == pytest.approx(7200, abs=1)
    told = (xapi.host.get_servertime(host), f"{xapi.host.get_server_localtime(host)}Z")
    ahead = [moment(str(each)) - simulator.world.clock() for each in told]
    assert ahead == pytest.approx([7200, 7200], abs=2)
    simulator.faults.clear()
    assert simulator.world.host_time(host) - simulator.world.clock() == pytest.approx(0, abs=1)


def test_faults_can_be_injected_over_the_wire(simulator: Simulator, xapi: Proxy) -> None:
    """simulator.inject works like Faults.add, and an unknown kind is refused with the list of kinds."""
    vm, uuid, target = first_move(simulator)
    xapi.simulator.inject("move-fails", {"vm": uuid, "code": "VMS_FAILED_TO_COOPERATE", "params": vm, "skip": "1"})
    xapi.VM.pool_migrate(vm, target, {})
    home = next(h for h, _ in simulator.database.items("host") if h != target)
    with pytest.raises(XenAPI.Failure, match="VMS_FAILED_TO_COOPERATE"):
        xapi.VM.pool_migrate(vm, home, {})
    with pytest.raises(XenAPI.Failure, match="no fault is called"):
        xapi.simulator.inject("earthquake", {})


@pytest.mark.parametrize("kind", sorted(FAULTS))
def test_a_fault_is_due_as_often_as_asked(kind: str) -> None:
    """A fault lets `skip` occasions pass, happens `times` times, and then never again."""
    faults = Faults(FAULTS)
    faults.add(kind, vm="a", times=2, skip=1)
    assert faults.take(kind, vm="b") is None
    assert [faults.take(kind, vm="a") is not None for _ in range(5)] == [False, True, True, False, False]
