"""XAPI.md 4.6, row by row: what a migration fails with, and where its VM is afterwards."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rebalancer.simulator import Simulator
from rebalancer.simulator.state.schema import NULL
from rebalancer.simulator.state.world import World
from tests.simulator.moving import Proxy, at_rest, first_move, task_end, wait_until

ON_ITS_SOURCE = (
    ("source-unreachable", "CANNOT_CONTACT_HOST"),
    ("balloon-timeout", "BALLOONING_TIMEOUT_BEFORE_MIGRATION"),
    ("memory-taken", "HOST_NOT_ENOUGH_FREE_MEMORY"),
    ("uncooperative", "VMS_FAILED_TO_COOPERATE"),
    ("storage-fails", "SR_BACKEND_FAILURE_46"),
    ("hook-fails", "XAPI_HOOK_FAILED"),
    ("no-suspend-ack", "VM_FAILED_SUSPEND_ACKNOWLEDGMENT"),
    ("suspend-timeout", "VM_SUSPEND_TIMEOUT"),
    ("stream-breaks", "INTERNAL_ERROR"),
    ("target-unreachable", "VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED"),
    ("move-fails", "VM_MIGRATE_FAILED"),
)


@pytest.mark.parametrize(("kind", "code"), ON_ITS_SOURCE)
def test_the_vm_runs_where_it_was(simulator: Simulator, xapi: Proxy, kind: str, code: str) -> None:
    """The task fails with XAPI's code, the VM runs on its source with nothing reserved, and may be moved again."""
    vm, uuid, target = first_move(simulator)
    source = xapi.VM.get_resident_on(vm)
    simulator.faults.add(kind, vm=uuid)
    ended = task_end(xapi, xapi.Async.VM.pool_migrate(vm, target, {}))
    assert (ended["status"], ended["error_info"][0]) == ("failure", code)
    assert at_rest(simulator, vm) == ("Running", source)
    assert xapi.VM.get_scheduled_to_be_resident_on(vm) == NULL
    assert xapi.host.get_current_operations(target) == {}
    xapi.VM.pool_migrate(vm, target, {})


@pytest.mark.parametrize(
    ("kind", "code"), [("stream-breaks-late", "INTERNAL_ERROR"), ("vm-halts", "VM_MIGRATE_FAILED")]
)
def test_the_vm_is_off(simulator: Simulator, xapi: Proxy, kind: str, code: str) -> None:
    """XAPI shuts a suspended VM down whose stream breaks; nobody starts it again."""
    vm, uuid, target = first_move(simulator)
    simulator.faults.add(kind, vm=uuid)
    ended = task_end(xapi, xapi.Async.VM.pool_migrate(vm, target, {}))
    assert ended["error_info"][0] == code
    assert at_rest(simulator, vm) == ("Halted", NULL)


@pytest.mark.parametrize("lag", [0.0, 0.3])
def test_the_last_handshake_is_lost(simulator: Simulator, xapi: Proxy, lag: float) -> None:
    """The task says failure, and the VM runs on the target, at once or when the database catches up."""
    vm, uuid, target = first_move(simulator)
    simulator.faults.add("handshake-lost", vm=uuid, lag=lag)
    ended = task_end(xapi, xapi.Async.VM.pool_migrate(vm, target, {}))
    assert ended["error_info"] == ["INTERNAL_ERROR", "Failed during Synchronisation point 4"]
    wait_until(lambda: xapi.VM.get_resident_on(vm) == target)
    assert at_rest(simulator, vm) == ("Running", target)


def test_who_is_switched_off_arrives_nowhere(
    simulator: Simulator, xapi: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A VM that was switched off before the database caught up is off, and on no host."""
    catching_up: list[Callable[[], object]] = []
    monkeypatch.setattr(World, "later", lambda _self, _seconds, action: catching_up.append(action))
    vm, uuid, target = first_move(simulator)
    simulator.faults.add("handshake-lost", vm=uuid, lag=1.0)
    task_end(xapi, xapi.Async.VM.pool_migrate(vm, target, {}))
    xapi.VM.hard_shutdown(vm)
    for catch_up in catching_up:
        catch_up()
    assert len(catching_up) == 1
    assert at_rest(simulator, vm) == ("Halted", NULL)
    assert vm not in simulator.database.get("host", target)["resident_VMs"]


@pytest.mark.parametrize(("reboots", "status"), [(1, "success"), (3, "success"), (4, "failure")])
def test_a_guest_reboots_in_its_migration(simulator: Simulator, xapi: Proxy, reboots: int, status: str) -> None:
    """XAPI begins again up to three times; each is another domain."""
    vm, uuid, target = first_move(simulator)
    simulator.faults.add("guest-reboots", vm=uuid, reboots=reboots, at=0.2)
    ended = task_end(xapi, xapi.Async.VM.pool_migrate(vm, target, {}))
    assert ended["status"] == status
    assert (at_rest(simulator, vm)[1] == target) is (status == "success")


def test_a_migration_stalls_and_goes_on(simulator: Simulator, xapi: Proxy) -> None:
    """Its progress stands still, and then it ends well."""
    vm, uuid, target = first_move(simulator)
    simulator.faults.add("stalls", vm=uuid, at=0.3, seconds=1.0)
    task = xapi.Async.VM.pool_migrate(vm, target, {})
    wait_until(lambda: float(xapi.task.get_progress(task)) >= 0.29)
    seen = {round(float(xapi.task.get_progress(task)), 2) for _ in range(20)}
    assert len(seen) <= 2
    assert task_end(xapi, task)["status"] == "success"


def test_a_migration_that_stands_still_for_ever_can_be_cancelled(simulator: Simulator, xapi: Proxy) -> None:
    """It ends as cancelled, the VM on its source."""
    vm, uuid, target = first_move(simulator)
    source = xapi.VM.get_resident_on(vm)
    simulator.faults.add("stalls", vm=uuid)
    task = xapi.Async.VM.pool_migrate(vm, target, {})
    wait_until(lambda: float(xapi.task.get_progress(task)) >= 0.4)
    xapi.task.cancel(task)
    assert task_end(xapi, task)["status"] == "cancelled"
    assert at_rest(simulator, vm) == ("Running", source)


def test_a_task_vanishes(simulator: Simulator, xapi: Proxy) -> None:
    """Its handle is invalid, and the migration goes on."""
    vm, uuid, target = first_move(simulator)
    simulator.faults.add("task-vanishes", vm=uuid)
    xapi.Async.VM.pool_migrate(vm, target, {})
    wait_until(lambda: not xapi.task.get_all())
    wait_until(lambda: xapi.VM.get_resident_on(vm) == target)


def test_the_kth_migration_fails(simulator: Simulator, xapi: Proxy) -> None:
    """Whoever's it is."""
    vm, _, target = first_move(simulator)
    home = xapi.VM.get_resident_on(vm)
    simulator.faults.add("stream-breaks", skip=1)
    assert task_end(xapi, xapi.Async.VM.pool_migrate(vm, target, {}))["status"] == "success"
    assert task_end(xapi, xapi.Async.VM.pool_migrate(vm, home, {}))["status"] == "failure"
