"""Calls of the classes VM and VBD that are more than fields."""

from __future__ import annotations

from rebalancer.simulator.calls.context import Context, Table
from rebalancer.simulator.checks import agility, boot_here, memory, vm_operations
from rebalancer.simulator.checks.facts import configured_domain_type
from rebalancer.simulator.migration import disks, moves, power
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.schema import NULL


def pool_migrate(context: Context, vm: str, host: str, options: dict[str, str]) -> None:
    """Move a VM within the pool; returns when it is there."""
    moves.pool_migrate(context.world, context.task, vm, host, options)


def assert_can_boot_here(context: Context, vm: str, host: str) -> None:
    """Raise what stands against a VM on a host."""
    with context.world.database.lock:
        boot_here.assert_can_boot_here(context.world.database, vm, host)


def assert_operation_valid(context: Context, vm: str, operation: str) -> None:
    """Raise what stands against an operation in the VM itself."""
    database = context.world.database
    with database.lock:
        if operation in vm_operations.STATES:
            vm_operations.assert_allowed(database, vm, operation)
        elif operation not in database.get("VM", vm)["allowed_operations"]:
            raise ApiFailure("OPERATION_NOT_ALLOWED", f"The VM does not allow {operation} now")


def assert_agile(context: Context, vm: str) -> None:
    """Raise what ties a VM to some hosts."""
    with context.world.database.lock:
        agility.assert_agile(context.world.database, vm)


def get_possible_hosts(context: Context, vm: str) -> list[str]:
    """The hosts with room for a VM, whatever their CPU; for one under way, the host it is bound for."""
    database = context.world.database
    with database.lock:
        bound_for = str(database.get("VM", vm)["scheduled_to_be_resident_on"])
        if bound_for != NULL:
            return [bound_for]
        return [host for host, _ in database.items("host") if boot_here.has_room(database, vm, host)]


def compute_memory_overhead(context: Context, vm: str) -> str:
    """Bytes that Xen needs besides a VM's memory."""
    database = context.world.database
    record = database.get("VM", vm)
    return str(memory.overhead_mib(record, configured_domain_type(record)) * memory.MIB)


def set_memory_dynamic_range(context: Context, vm: str, least: str, most: str) -> None:
    """Set both bounds of a VM's memory; a running VM follows at once."""
    database = context.world.database
    with database.lock:
        record = database.get("VM", vm)
        if not int(record["memory_static_min"]) <= int(least) <= int(most) <= int(record["memory_static_max"]):
            raise ApiFailure("MEMORY_CONSTRAINT_VIOLATION")
        database.change("VM", vm, memory_dynamic_min=least, memory_dynamic_max=most, memory_target=most)


def clean_shutdown(context: Context, vm: str) -> None:
    """Switch a VM off, once nothing else is under way on it."""
    power.shut_down(context.world, context.task, vm, "clean_shutdown")


def hard_shutdown(context: Context, vm: str) -> None:
    """Switch a VM off at once, whatever is under way on it."""
    power.pull_plug(context.world, vm)


def start(context: Context, vm: str, paused: bool, force: bool) -> None:  # noqa: FBT001 - as XAPI has it
    """Start a VM on the host with most memory among those it may run on."""
    del paused, force
    power.start(context.world, context.task, vm, get_possible_hosts(context, vm))


def start_on(context: Context, vm: str, host: str, paused: bool, force: bool) -> None:  # noqa: FBT001 - as XAPI has it
    """Start a VM on a host."""
    del paused, force
    assert_can_boot_here(context, vm, host)
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
    "VM.assert_can_boot_here": assert_can_boot_here,
    "VM.assert_operation_valid": assert_operation_valid,
    "VM.assert_agile": assert_agile,
    "VM.get_possible_hosts": get_possible_hosts,
    "VM.compute_memory_overhead": compute_memory_overhead,
    "VM.set_memory_dynamic_range": set_memory_dynamic_range,
    "VM.clean_shutdown": clean_shutdown,
    "VM.hard_shutdown": hard_shutdown,
    "VM.start": start,
    "VM.start_on": start_on,
    "VBD.eject": eject,
}
