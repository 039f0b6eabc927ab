"""Calls of the classes VM and VBD that are more than fields."""

from __future__ import annotations

from rebalancer.simulator.calls.advised import host_for as advised_host
from rebalancer.simulator.calls.context import Context, Table, on_records
from rebalancer.simulator.checks import agility, boot_here, memory, vm_operations
from rebalancer.simulator.checks.facts import configured_domain_type
from rebalancer.simulator.migration import disks, moves, power
from rebalancer.simulator.state.database import Database
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.schema import NULL


def pool_migrate(context: Context, vm: str, host: str, options: dict[str, str]) -> None:
    """Move a VM within the pool; returns when it is there."""
    moves.pool_migrate(context.world, context.task, vm, host, options)


def assert_operation_valid(database: Database, vm: str, operation: str) -> None:
    """Raise what stands against an operation in the VM itself."""
    if operation in vm_operations.STATES:
        vm_operations.assert_allowed(database, vm, operation)
    elif operation not in database.get("VM", vm)["allowed_operations"]:
        raise ApiFailure("OPERATION_NOT_ALLOWED", f"The VM does not allow {operation} now")


def get_possible_hosts(database: Database, vm: str) -> list[str]:
    """The hosts with room for a VM, whatever their CPU; for one under way, the host it is bound for."""
    bound_for = str(database.get("VM", vm)["scheduled_to_be_resident_on"])
    if bound_for != NULL:
        return [bound_for]
    return [host for host, _ in database.items("host") if boot_here.has_room(database, vm, host)]


def compute_memory_overhead(database: Database, vm: str) -> str:
    """Bytes that Xen needs besides a VM's memory."""
    record = database.get("VM", vm)
    return str(memory.overhead_mib(record, configured_domain_type(record)) * memory.MIB)


def set_memory_dynamic_range(database: Database, vm: str, least: str, most: str) -> None:
    """Set both bounds of a VM's memory; a running VM follows at once."""
    record = database.get("VM", vm)
    if not int(record["memory_static_min"]) <= int(least) <= int(most) <= int(record["memory_static_max"]):
        raise ApiFailure("MEMORY_CONSTRAINT_VIOLATION")
    database.change("VM", vm, memory_dynamic_min=least, memory_dynamic_max=most, memory_target=most)


def start(context: Context, vm: str, paused: bool, force: bool) -> None:  # noqa: FBT001 - as XAPI has it
    """Start a VM where the Workload Balancing server says, else where most memory is among hosts it may run on."""
    del paused, force
    halted = context.world.database.get("VM", vm)["power_state"] == "Halted"
    advised = advised_host(context, vm) if halted else None
    power.start(context.world, context.task, vm, [advised] if advised else on_records(get_possible_hosts)(context, vm))


def start_on(context: Context, vm: str, host: str, paused: bool, force: bool) -> None:  # noqa: FBT001 - as XAPI has it
    """Start a VM on a host."""
    del paused, force
    on_records(boot_here.assert_can_boot_here)(context, vm, host)
    power.start(context.world, context.task, vm, [host])


def eject(context: Context, vbd: str) -> None:
    """Take the disc out of a drive."""
    database = context.world.database
    with database.lock:
        drive = database.get("VBD", vbd)
        if drive["type"] != "CD":
            raise ApiFailure("VBD_NOT_REMOVABLE_MEDIA", vbd)
        if drive["empty"]:
            raise ApiFailure("VBD_IS_EMPTY", vbd)
        disks.eject(context.world, vbd)


CALLS: Table = {
    "VM.pool_migrate": pool_migrate,
    "VM.assert_can_boot_here": on_records(boot_here.assert_can_boot_here),
    "VM.assert_operation_valid": on_records(assert_operation_valid),
    "VM.assert_agile": on_records(agility.assert_agile),
    "VM.get_possible_hosts": on_records(get_possible_hosts),
    "VM.compute_memory_overhead": on_records(compute_memory_overhead),
    "VM.set_memory_dynamic_range": on_records(set_memory_dynamic_range),
    "VM.clean_shutdown": lambda context, vm: power.shut_down(context.world, context.task, vm, "clean_shutdown"),
    "VM.hard_shutdown": lambda context, vm: power.pull_plug(context.world, vm),
    "VM.start": start,
    "VM.start_on": start_on,
    "VBD.eject": eject,
}
