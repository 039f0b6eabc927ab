"""Everything VM.pool_migrate checks, in xapi's order: before the queue, after it, and on the source host."""

from __future__ import annotations

from collections.abc import Mapping

from rebalancer.simulator.checks import boot_here, cpu, failover, gpus, versions, vm_operations
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
    record = database.get("VM", vm)
    if not _is_forced(options):
        cpu.assert_compatible(database, vm, host)
    vm_operations.assert_not_refused(database, vm, OPERATION)
    return bool(record["current_operations"])


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
    _assert_source(database, source)
    gpus.assert_driver_answers(database, vm, host)
    if "network" in options:
        _assert_transfer_network(database, host, options["network"])


def _is_forced(options: Mapping[str, str]) -> bool:
    return options.get("force") == "true"


def assert_target_free(database: Database, host: str) -> None:
    """Raise OTHER_OPERATION_IN_PROGRESS ["host", ..] for a host that is being emptied or stopped; nobody waits."""
    current = database.get("host", host)["current_operations"]
    if HOST_BUSY & set(current.values()):
        raise vm_operations.in_progress("host", host, current)


def _assert_source(database: Database, source: str) -> None:
    if not is_live(database, database.get("host", source)):
        raise ApiFailure("HOST_OFFLINE", source)
    if is_restricted(database, "xen_motion"):
        raise ApiFailure("LICENCE_RESTRICTION", "Xen_motion")


def _assert_transfer_network(database: Database, host: str, network: str) -> None:
    ports = [(ref, pif) for ref, pif in database.items("PIF") if (pif["host"], pif["network"]) == (host, network)]
    if not ports:
        raise ApiFailure("PIF_NOT_PRESENT", host, network)
    ref, pif = ports[0]
    if not pif["currently_attached"]:
        raise ApiFailure("REQUIRED_PIF_IS_UNPLUGGED", ref)
    if not pif["IP"] and not pif["IPv6"]:
        raise ApiFailure("INTERFACE_HAS_NO_IP", ref)
