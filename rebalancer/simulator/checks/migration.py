"""Everything VM.pool_migrate checks, in xapi's order: before the queue, after it, and on the source host."""

from __future__ import annotations

from collections.abc import Mapping

from rebalancer.simulator.checks import boot_here, cpu, failover, gpus, networks, versions, vm_operations
from rebalancer.simulator.checks.facts import is_live, is_restricted, is_upgrading
from rebalancer.simulator.state.database import Database
from rebalancer.simulator.state.failure import ApiFailure

OPERATION = "pool_migrate"
# Nothing else may begin on a host that is being emptied or stopped.
HOST_BUSY = {"evacuate", "reboot", "shutdown"}


def must_wait(database: Database, vm: str, host: str, options: Mapping[str, str]) -> bool:
    """Whether a move has to wait for another operation of its VM.

    Raises:
        ApiFailure: what is refused before any waiting: CPU, blocked operation, power state.
    """
    if not _is_forced(options):
        cpu.assert_compatible(database, vm, host)
    return vm_operations.is_busy(database, vm, OPERATION)


def assert_may_start(database: Database, vm: str, host: str, options: Mapping[str, str]) -> None:
    """Raise whatever stands against a move whose VM has nothing else under way."""
    source = database.get("VM", vm)["resident_on"]
    vm_operations.assert_movable(database, vm, OPERATION, strict=not _is_forced(options))
    if is_upgrading(database) and versions.is_older(database, host, than=source):
        raise ApiFailure("NOT_SUPPORTED_DURING_UPGRADE")
    boot_here.assert_has_room(database, vm, host)
    failover.assert_plan_survives(database, vm, host)
    assert_target_free(database, host)
    gpus.assert_supported(database, vm)
    if not is_live(database, database.get("host", source)):
        raise ApiFailure("HOST_OFFLINE", source)
    if is_restricted(database, "xen_motion"):
        raise ApiFailure("LICENCE_RESTRICTION", "Xen_motion")
    gpus.assert_driver_answers(database, vm, host)
    if "network" in options:
        networks.assert_can_carry(database, host, options["network"])


def _is_forced(options: Mapping[str, str]) -> bool:
    return options.get("force") == "true"


def assert_target_free(database: Database, host: str) -> None:
    """Raise OTHER_OPERATION_IN_PROGRESS ["host", ..] for a host that is being emptied or stopped; nobody waits."""
    current = database.get("host", host)["current_operations"]
    # XAPI names the first as its database has them; nothing outside tells that order, in which evacuations came first.
    leaving = sorted((operation, task) for task, operation in current.items() if operation in HOST_BUSY)
    if leaving:
        raise ApiFailure("OTHER_OPERATION_IN_PROGRESS", "host", host, *leaving[0])
