"""What happens in a pool beside a plan: hosts, coordinator, HA, and what others do to VMs."""

from __future__ import annotations

import httpx
import pytest
import XenAPI

from rebalancer.simulator import SimulatedPool, Simulator, VirtualTime
from rebalancer.simulator.calls.dispatch import Dispatcher
from rebalancer.simulator.state.database import Record
from rebalancer.simulator.state.fault import Moment
from rebalancer.simulator.state.schema import NULL
from tests.simulator.moving import Proxy, at_rest, first_move, task_end, wait_until


def named(simulator: Simulator, cls: str, ref: str) -> str:
    """The uuid of an object."""
    return simulator.world.uuid(cls, ref)


def member(simulator: Simulator) -> str:
    """The ref of a host that is not the coordinator, and where the first guest is not."""
    first = simulator.database.get("VM", first_move(simulator)[0])["resident_on"]
    taken = {simulator.world.coordinator, first}
    return next(ref for ref, _ in simulator.database.items("host") if ref not in taken)


@pytest.mark.parametrize("old", ["member", "dead"])
def test_another_host_becomes_coordinator(simulator: Simulator, xapi: Proxy, connect: Proxy, old: str) -> None:
    """The old one sends on or is silent, tasks are cancelled, sessions are gone, and migrations end as asked."""
    vm, uuid, target = first_move(simulator)
    former, url = simulator.world.coordinator, simulator.url
    task = xapi.Async.VM.pool_migrate
    simulator.faults.add("coordinator-switch", vm=uuid, old=old, outcome="stayed", at=0.3)
    ref = task(vm, target, {})
    wait_until(lambda: simulator.world.coordinator != former)
    if old == "member":
        with pytest.raises(XenAPI.Failure, match="HOST_IS_SLAVE"):
            XenAPI.Session(url).xenapi.login_with_password("root", "secret", "1.0", "tests")
    else:
        with pytest.raises(httpx.TransportError):
            httpx.post(url, content="")
    again = connect(simulator).xenapi
    assert again.task.get_status(ref) == "cancelled"
    assert at_rest(simulator, vm)[1] != target


def test_a_vm_that_died_with_the_coordinator_arrives_nowhere(simulator: Simulator, xapi: Proxy) -> None:
    """However far it had come, and although migrations as far as that end well where only the toolstack dies."""
    coordinator = simulator.world.coordinator
    vm = next(ref for ref, each in simulator.database.items("VM") if is_guest_on(each, coordinator))
    simulator.faults.add("coordinator-switch", vm=named(simulator, "VM", vm), old="dead", outcome="moved", at=0.9)
    xapi.Async.VM.pool_migrate(vm, member(simulator), {})
    wait_until(lambda: simulator.world.coordinator != coordinator)
    wait_until(lambda: not simulator.database.get("VM", vm)["current_operations"])
    record = simulator.database.get("VM", vm)
    assert (record["power_state"], record["resident_on"]) == ("Halted", NULL)


def is_guest_on(vm: Record, host: str) -> bool:
    """Whether *vm* is a VM of somebody on a host."""
    return vm["resident_on"] == host and not vm["is_control_domain"]


def test_a_host_crashes_with_its_vms(simulator: Simulator, xapi: Proxy) -> None:
    """They are halted, the host is not live, nobody answers there, and nothing goes there any more."""
    target = member(simulator)
    vm, uuid, _ = first_move(simulator)
    struck, url = named(simulator, "host", target), simulator.urls[named(simulator, "host", target)]
    there = [ref for ref, each in simulator.database.items("VM") if each["resident_on"] == target]
    guests = [ref for ref in there if not simulator.database.get("VM", ref)["is_control_domain"]]
    simulator.faults.add("host-crashes", vm=uuid, at=0.4, host=struck)
    ended = task_end(xapi, xapi.Async.VM.pool_migrate(vm, target, {}))
    assert ended["error_info"] == ["VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED"]
    assert at_rest(simulator, vm)[0] == "Running"
    assert {xapi.VM.get_power_state(ref) for ref in guests} == {"Halted"}
    with pytest.raises(httpx.TransportError):
        httpx.get(url)
    with pytest.raises(XenAPI.Failure, match="HOST_NOT_LIVE"):
        xapi.VM.pool_migrate(vm, target, {})


def test_a_host_joins(simulator: Simulator, xapi: Proxy) -> None:
    """With its own uuid, networks and shared storage, so that VMs may go there."""
    vm, _, _ = first_move(simulator)
    before = set(xapi.host.get_all())
    simulator.faults.add("host-joins", method="VM.get_all")
    xapi.VM.get_all()
    (new,) = set(xapi.host.get_all()) - before
    assert new in xapi.VM.get_possible_hosts(vm)
    xapi.VM.pool_migrate(vm, new, {})


def test_a_host_leaves(simulator: Simulator, xapi: Proxy) -> None:
    """Its record and what belongs to it are gone, and its VMs are off."""
    target = member(simulator)
    simulator.faults.add("host-leaves", method="VM.get_all", host=named(simulator, "host", target))
    xapi.VM.get_all()
    assert target not in xapi.host.get_all()
    hosts = {each["host"] for _, each in simulator.database.items("PBD")}
    assert target not in hosts
    assert target not in {each["resident_on"] for _, each in simulator.database.items("VM")}


@pytest.mark.parametrize(("kind", "field"), [("ha-changes", "ha_enabled"), ("wlb-begins", "wlb_enabled")])
def test_the_pool_changes(simulator: Simulator, xapi: Proxy, kind: str, field: str) -> None:
    """Its record says so."""
    simulator.faults.add(kind, method="VM.get_all")
    xapi.VM.get_all()
    (pool,) = xapi.pool.get_all_records().values()
    assert pool[field] is True


def test_a_vm_is_deleted_in_its_migration(simulator: Simulator, xapi: Proxy) -> None:
    """The task fails, the record is gone, and nothing is reserved."""
    vm, uuid, target = first_move(simulator)
    simulator.faults.add("vm-deleted", vm=uuid, at=0.4)
    ended = task_end(xapi, xapi.Async.VM.pool_migrate(vm, target, {}))
    assert ended["error_info"][0] == "HANDLE_INVALID"
    with pytest.raises(XenAPI.Failure, match="UUID_INVALID"):
        xapi.VM.get_by_uuid(uuid)
    wait_until(lambda: xapi.host.get_current_operations(target) == {})


@pytest.mark.parametrize(("kind", "state"), [("vm-shut-down", "Halted"), ("vm-suspended", "Suspended")])
def test_a_vm_is_stopped_in_its_migration(simulator: Simulator, xapi: Proxy, kind: str, state: str) -> None:
    """The migration fails, and the VM is on no host."""
    vm, uuid, target = first_move(simulator)
    simulator.faults.add(kind, vm=uuid, at=0.4)
    assert task_end(xapi, xapi.Async.VM.pool_migrate(vm, target, {}))["status"] == "failure"
    assert at_rest(simulator, vm) == (state, NULL)


def test_a_vm_is_started_by_somebody(simulator: Simulator, xapi: Proxy) -> None:
    """On the host that was named."""
    vm, uuid, target = first_move(simulator)
    xapi.VM.hard_shutdown(vm)
    simulator.faults.add("vm-started", method="VM.get_all", other=uuid, to=named(simulator, "host", target))
    xapi.VM.get_all()
    assert at_rest(simulator, vm) == ("Running", target)


def test_a_busy_vm_is_waited_for(simulator: Simulator, xapi: Proxy) -> None:
    """XAPI makes the migration wait, and it runs once the operation is over."""
    vm, uuid, target = first_move(simulator)
    simulator.faults.add("vm-busy", method="VM.get_all", other=uuid, seconds=0.4)
    xapi.VM.get_all()
    assert list(xapi.VM.get_current_operations(vm).values()) == ["snapshot"]
    assert task_end(xapi, xapi.Async.VM.pool_migrate(vm, target, {}))["status"] == "success"


def test_a_blocked_vm_is_refused(simulator: Simulator, xapi: Proxy) -> None:
    """Until the block is gone."""
    vm, uuid, target = first_move(simulator)
    simulator.faults.add("vm-blocked", method="VM.get_all", other=uuid, seconds=0.4)
    xapi.VM.get_all()
    with pytest.raises(XenAPI.Failure, match="OPERATION_BLOCKED"):
        xapi.VM.pool_migrate(vm, target, {})
    wait_until(lambda: not xapi.VM.get_blocked_operations(vm))
    xapi.VM.pool_migrate(vm, target, {})


@pytest.mark.parametrize(("outcome", "moved"), [("moved", True), ("stayed", False), ("half", True)])
def test_a_restart_decides_over_every_migration(
    simulator: Simulator, xapi: Proxy, outcome: str, *, moved: bool
) -> None:
    """That of another VM, too, by how far it was."""
    vm, _, target = first_move(simulator)
    simulator.faults.add("stalls", vm=named(simulator, "VM", vm), at=0.6)
    xapi.Async.VM.pool_migrate(vm, target, {})
    wait_until(lambda: any(float(each["progress"]) > 0.55 for _, each in simulator.database.items("task")))
    simulator.faults.add("toolstack-restart", method="VM.get_all", outcome=outcome)
    xapi.VM.get_all()
    assert (at_rest(simulator, vm)[1] == target) is moved


def test_a_vm_that_stays_busy_is_not_waited_for_for_ever(small_pool: SimulatedPool) -> None:
    """After two hours XAPI names the operation that it waited for; the VM is where it was."""
    time = VirtualTime(1.8e9)
    simulator = Simulator(small_pool, timing=time, login_delay=0.0)
    vm, uuid, target = first_move(simulator)
    source = simulator.database.get("VM", vm)["resident_on"]
    call, host = Dispatcher(simulator.world).call, simulator.world.coordinator
    _, session = call(host, "session.login_with_password", ["root", "simulator"])
    simulator.faults.add("vm-busy", after=0.001, other=uuid, seconds=3 * 3600)
    time.sleep(1.0)
    simulator.world.strike(Moment.TIME)
    _, task = call(host, "Async.VM.pool_migrate", [session, vm, target, {}])
    time.sleep(7100.0)
    assert simulator.database.get("task", task)["status"] == "pending"
    time.sleep(200.0)
    ended = simulator.database.get("task", task)
    assert (ended["status"], ended["error_info"][0]) == ("failure", "OTHER_OPERATION_IN_PROGRESS")
    assert simulator.database.get("VM", vm)["resident_on"] == source
    simulator.world.stopping.set()
    assert time.drain() == 0


@pytest.mark.parametrize("fault", ["vm-suspended", "vm-deleted", "vm-busy", "vm-shut-down"])
def test_nothing_happens_to_who_has_left_the_pool(simulator: Simulator, xapi: Proxy, fault: str) -> None:
    """A fault names a VM that goes to another pool, or is deleted, before it strikes."""
    vm, _, target = first_move(simulator)
    simulator.faults.add(fault, other="00000000-0000-4000-8000-000000000000")
    xapi.VM.pool_migrate(vm, target, {})
    assert at_rest(simulator, vm) == ("Running", target)


def test_no_vm_arrives_where_its_discs_are_not(simulator: Simulator, xapi: Proxy) -> None:
    """The target loses its SRs while the memory is under way: the migration fails, and the VM stays."""
    vm, uuid, target = first_move(simulator)
    home = xapi.VM.get_resident_on(vm)
    simulator.faults.add("stalls", vm=uuid, at=0.5, seconds=2)
    simulator.faults.add("pbd-unplugged", host=named(simulator, "host", target), after=0.01)
    with pytest.raises(XenAPI.Failure, match=r"VM_MIGRATE_FAILED.*Sr_not_attached"):
        xapi.VM.pool_migrate(vm, target, {})
    assert at_rest(simulator, vm) == ("Running", home)
