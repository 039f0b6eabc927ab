"""Switching VMs on and off."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.simulator.checks import memory, vm_operations
from rebalancer.simulator.checks.facts import pool_of
from rebalancer.simulator.migration import residence
from rebalancer.simulator.state import tasks
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.schema import blank
from rebalancer.simulator.state.world import World, stamp

RUNNING_OPERATIONS = ["migrate_send", "pool_migrate", "suspend", "hard_reboot", "hard_shutdown", "clean_reboot"]
RUNNING_OPERATIONS += ["clean_shutdown", "pause", "checkpoint", "snapshot", "changing_dynamic_range"]


def shut_down(world: World, task: str, vm: str, operation: str) -> None:
    """Switch a VM off once nothing else is under way on it.

    Raises:
        ApiFailure: VM_FAILED_SHUTDOWN_ACKNOWLEDGMENT [ref] where its guest is asked, and does not react.
    """
    if operation == "clean_shutdown":
        _ask_guest(world, task, vm)
        _take_time(world, task, vm, "clean_shutdown", "shuts-down-slowly")
    with world.database.lock:
        _wait(world, task, vm, operation)
        residence.halt(world, vm)


def _ask_guest(world: World, task: str, vm: str) -> None:
    """Ask a guest to shut down, and wait for it in vain where it does not react."""
    fault = world.faults.take("shutdown-ignored", vm=world.uuid("VM", vm))
    if fault is None:
        return
    _be_at_it(world, task, vm, "clean_shutdown", fault.number("seconds", 60.0))
    raise ApiFailure("VM_FAILED_SHUTDOWN_ACKNOWLEDGMENT", vm)


def _take_time(world: World, task: str, vm: str, operation: str, kind: str) -> None:
    """Have an operation of a VM take longer, where a fault of that *kind* says so."""
    if fault := world.faults.take(kind, vm=world.uuid("VM", vm)):
        _be_at_it(world, task, vm, operation, fault.number("seconds", 60.0))


def _be_at_it(world: World, task: str, vm: str, operation: str, seconds: float) -> None:
    """Show an operation on a VM for so many seconds, once nothing else is under way on it."""
    database = world.database
    with database.lock:
        _wait(world, task, vm, operation)
        current = database.get("VM", vm)["current_operations"]
        database.change("VM", vm, current_operations={**current, task: operation})
    world.wait(seconds)
    with database.lock:
        current = database.get("VM", vm)["current_operations"]
        database.change("VM", vm, current_operations={ref: each for ref, each in current.items() if ref != task})


def _wait(world: World, task: str, vm: str, operation: str) -> None:
    database = world.database
    tasks.wait_while(
        world,
        task,
        lambda: vm_operations.is_busy(database, vm, operation),
        lambda: vm_operations.assert_free(database, vm),
    )


def pull_plug(world: World, vm: str) -> None:
    """Switch a VM off at once; a move under way then fails."""
    with world.database.lock:
        vm_operations.assert_not_refused(world.database, vm, "hard_shutdown")
        residence.halt(world, vm)


def start(world: World, task: str, vm: str, hosts: Sequence[str]) -> None:
    """Start a halted VM on that of the hosts it may run on which has most memory left."""
    database = world.database
    _take_time(world, task, vm, "start_on" if len(hosts) == 1 else "start", "starts-slowly")
    with database.lock:
        _wait(world, task, vm, "start")
        if not hosts:
            raise ApiFailure("NO_HOSTS_AVAILABLE", vm)
        if fault := world.faults.take("start-fails", vm=world.uuid("VM", vm)):
            raise ApiFailure(fault.settings["code"], vm)
        boot(world, vm, max(hosts, key=lambda host: (memory.free_memory(database, host), host)))


def boot(world: World, vm: str, host: str) -> None:
    """Note that a VM runs on a host from now on."""
    residence.settle(world, vm, host)
    database = world.database
    record = database.get("VM", vm)
    domain = {"current_domain_type": record["domain_type"], "hvm": record["domain_type"] == "hvm"}
    domain |= {"memory_actual": record["memory_target"], "start_time": stamp(world.clock())}
    if database.find("VM_metrics", record["metrics"]) is None:
        metrics = blank("VM_metrics") | domain | {"VCPUs_number": record["VCPUs_at_startup"]}
        database.change("VM", vm, metrics=database.add("VM_metrics", metrics))
    else:
        database.change("VM_metrics", record["metrics"], **domain)
    cpu = pool_of(database)["cpu_info"]
    flags = {"vendor": cpu.get("vendor", ""), "features": cpu.get("features_hvm_host", "")}
    allowed = list(RUNNING_OPERATIONS)
    database.change("VM", vm, power_state="Running", last_boot_CPU_flags=flags, allowed_operations=allowed)
