"""Whether a VM allows an operation now (xapi_vm_lifecycle.ml: check_operation_error), in xapi's order."""

from __future__ import annotations

import re

from rebalancer.simulator.checks import gpus
from rebalancer.simulator.checks.facts import is_true, members_of
from rebalancer.simulator.state.database import Database, Record
from rebalancer.simulator.state.failure import ApiFailure

STATES = {
    "pool_migrate": ("Running",),
    "migrate_send": ("Halted", "Suspended", "Running"),
    "clean_shutdown": ("Running",),
    "hard_shutdown": ("Paused", "Suspended", "Running"),
    "clean_reboot": ("Running",),
    "start": ("Halted",),
    "start_on": ("Halted",),
}
MOVES = {"pool_migrate", "migrate_send"}
LIVE = {"Running", "Paused"}


def assert_not_refused(database: Database, vm: str, operation: str) -> None:
    """Raise OPERATION_BLOCKED or VM_BAD_POWER_STATE: the two that come before any waiting."""
    record = database.get("VM", vm)
    if operation in record["blocked_operations"]:
        raise ApiFailure("OPERATION_BLOCKED", vm, record["blocked_operations"][operation])
    states = STATES[operation]
    if record["power_state"] not in states:
        expected = ", ".join(state.lower() for state in states)
        raise ApiFailure("VM_BAD_POWER_STATE", vm, expected, record["power_state"].lower())


def is_busy(database: Database, vm: str, operation: str) -> bool:
    """Whether an operation has to wait for another one of its VM; raises what refuses it before any waiting."""
    assert_not_refused(database, vm, operation)
    return bool(database.get("VM", vm)["current_operations"])


def assert_allowed(database: Database, vm: str, operation: str) -> None:
    """Raise what stands against an operation in the VM itself, anything else under way included."""
    assert_not_refused(database, vm, operation)
    assert_free(database, vm)
    if operation in MOVES:
        assert_movable(database, vm, operation, strict=True)


def assert_free(database: Database, vm: str) -> None:
    """Raise OTHER_OPERATION_IN_PROGRESS ["VM", vm, operation, task] for a VM with anything under way."""
    if current := database.get("VM", vm)["current_operations"]:
        # XAPI names the operations of a VM the other way round than those of a host.
        raise in_progress("VM", vm, dict(reversed(current.items())))


def in_progress(cls: str, ref: str, current: dict[str, str]) -> ApiFailure:
    """OTHER_OPERATION_IN_PROGRESS; several operations and their tasks stand in braces."""
    words = [",".join(current.values()), ",".join(current)]
    return ApiFailure("OTHER_OPERATION_IN_PROGRESS", cls, ref, *(w if len(current) == 1 else f"{{{w}}}" for w in words))


def assert_movable(database: Database, vm: str, operation: str, *, strict: bool) -> None:
    """Raise what stands against a move in the VM itself, once nothing else is under way.

    With force it is not `strict`: immobile VMs and those without tools may go, too.
    """
    record = database.get("VM", vm)
    _assert_kind(vm, record, operation)
    if strict and _is_immobile(database, record):
        raise ApiFailure("VM_IS_IMMOBILE", vm)
    if record["is_control_domain"]:
        raise ApiFailure("OPERATION_NOT_ALLOWED", "This operation is not allowed on a control domain")
    if record["power_state"] in LIVE:
        _assert_suspendable(database, vm, record, strict=strict)
    _assert_devices(database, vm, record, operation)


def _assert_kind(vm: str, record: Record, operation: str) -> None:
    if record["is_a_snapshot"]:
        raise ApiFailure("VM_IS_SNAPSHOT", vm, operation)
    of_the_product = record["is_default_template"] or is_true(record["other_config"].get("default_template"))
    if record["is_a_template"] and (operation != "migrate_send" or of_the_product):
        raise ApiFailure("VM_IS_TEMPLATE", vm, operation)


def _is_immobile(database: Database, record: Record) -> bool:
    """Metrics of the running domain decide; the platform flags only where there are no metrics."""
    metrics = database.find("VM_metrics", record["metrics"])
    if metrics is None:
        return any(is_true(record["platform"].get(key)) for key in ("nomigrate", "nested-virt"))
    return bool(metrics["nomigrate"] or metrics["nested_virt"])


def _assert_suspendable(database: Database, vm: str, record: Record, *, strict: bool) -> None:
    guest = database.find("VM_guest_metrics", record["guest_metrics"])
    other = guest["other"] if guest else {}
    if "data-cant-suspend-reason" in other:
        raise ApiFailure("VM_NON_SUSPENDABLE", vm, other["data-cant-suspend-reason"])
    metrics = database.find("VM_metrics", record["metrics"])
    kind = metrics["current_domain_type"] if metrics else "unspecified"
    ready = kind in {"pv", "pv_in_pvh", "pvh"} or _has_drivers(guest) or other.get("feature-suspend") == "1"
    if strict and not ready:
        raise ApiFailure("VM_LACKS_FEATURE", vm)


def _has_drivers(guest: Record | None) -> bool:
    """Major and minor have to be integers, and micro and build too where they are present."""
    version = guest["PV_drivers_version"] if guest else {}
    if not {"major", "minor"} <= version.keys():
        return False
    return all(re.fullmatch(r"-?\d+", version.get(key, "0")) for key in ("major", "minor", "micro", "build"))


def _assert_devices(database: Database, vm: str, record: Record, operation: str) -> None:
    if operation == "pool_migrate":
        _assert_no_cache(database, record)
    if set(record["attached_PCIs"]) - _own_functions(database, record):
        raise ApiFailure("VM_HAS_PCI_ATTACHED", vm)
    halted = record["power_state"] == "Halted" and operation == "migrate_send"
    vgpus = members_of(database, "VGPU", record["VGPUs"])
    if not halted and any(not _is_migratable(database, vgpu) for vgpu in vgpus):
        raise ApiFailure("VM_HAS_VGPU", vm)
    if record["VUSBs"]:
        raise ApiFailure("VM_HAS_VUSBS", vm)


def _assert_no_cache(database: Database, record: Record) -> None:
    """Empty drives count that still name a disc, and no disc counts that is gone."""
    drives = members_of(database, "VBD", record["VBDs"])
    for vdi in members_of(database, "VDI", [drive["VDI"] for drive in drives]):
        config = vdi["sm_config"]
        if config.get("on_boot") == "reset" and is_true(config.get("caching")):
            raise ApiFailure("VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION")


def _own_functions(database: Database, record: Record) -> set[str]:
    vgpus = members_of(database, "VGPU", record["VGPUs"])
    return {vgpu["PCI"] for vgpu in vgpus if gpus.implementation(database, vgpu) == "nvidia_sriov"}


def _is_migratable(database: Database, vgpu: Record) -> bool:
    card = database.find("PGPU", vgpu["resident_on"])
    kind = gpus.implementation(database, vgpu)
    return kind in gpus.NVIDIA and card is not None and "nvidia" in card["compatibility_metadata"]
