"""Whether a VM's own settings make sense (xapi_vm_helpers.ml: validate_basic_parameters)."""

from __future__ import annotations

from rebalancer.simulator.checks.facts import HARDWARE_VIRTUAL, domain_type
from rebalancer.simulator.state.database import Database, Record
from rebalancer.simulator.state.failure import ApiFailure


def assert_sane(database: Database, vm: Record) -> None:
    """Raise INVALID_VALUE, VALUE_NOT_SUPPORTED or MEMORY_CONSTRAINT_VIOLATION for settings no VM can start with."""
    _assert_vcpus(vm)
    # Whatever else is wrong with them is bent into shape; a range upside down cannot be.
    upside_down = (int(vm[f"memory_{kind}_min"]) > int(vm[f"memory_{kind}_max"]) for kind in ("static", "dynamic"))
    if any(upside_down):
        raise ApiFailure("MEMORY_CONSTRAINT_VIOLATION")
    if float(vm["HVM_shadow_multiplier"]) < 1.0:
        raise ApiFailure("INVALID_VALUE", "HVM_shadow_multiplier", f"{vm['HVM_shadow_multiplier']:g}")
    _assert_crash_action(database, vm)


def _assert_vcpus(vm: Record) -> None:
    at_startup, most = int(vm["VCPUs_at_startup"]), int(vm["VCPUs_max"])
    if most <= 0:
        raise ApiFailure("INVALID_VALUE", "VCPUs_max", str(most))
    if at_startup <= 0:
        raise ApiFailure("INVALID_VALUE", "VCPUs-at-startup", str(at_startup))
    if at_startup > most:
        text = "value greater than VCPUs-max"
        raise ApiFailure("VALUE_NOT_SUPPORTED", "VCPUs-at-startup", str(at_startup), text)


def _assert_crash_action(database: Database, vm: Record) -> None:
    action = vm["actions_after_crash"]
    if action == "rename_restart":
        text = "option would leak a domain; VMs and not domains are managed by this API"
        raise ApiFailure("VALUE_NOT_SUPPORTED", "VM.actions_after_crash", action, text)
    if action.startswith("coredump") and domain_type(database, vm) in HARDWARE_VIRTUAL:
        text = "cannot invoke a coredump of an HVM, PVH or PV-in-PVH domain"
        raise ApiFailure("VALUE_NOT_SUPPORTED", "VM.actions_after_crash", action, text)
