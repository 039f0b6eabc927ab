"""Whether a VM's CPU flags fit a host (cpuid_helpers.ml: assert_vm_is_compatible)."""

from __future__ import annotations

import re

from rebalancer.simulator.checks.facts import HARDWARE_VIRTUAL, domain_type
from rebalancer.simulator.state.database import Database
from rebalancer.simulator.state.failure import ApiFailure, Unforeseen


def assert_compatible(database: Database, vm: str, host: str, there: Database | None = None) -> None:
    """Raise VM_INCOMPATIBLE_WITH_THIS_HOST [vm, host, reason] unless a VM that is not halted finds its CPU there.

    The host is in the pool `there`, if it is another.

    The host's own level counts, also for VMs that are on it already. A feature string that is none is INTERNAL_ERROR.
    """
    guest, target = database.get("VM", vm), (there or database).get("host", host)
    if guest["power_state"] == "Halted":
        return
    key = "features_hvm" if domain_type(database, guest) in HARDWARE_VIRTUAL else "features_pv"
    flags, offered = guest["last_boot_CPU_flags"], target["cpu_info"]
    reason = ""
    if key not in offered or "vendor" not in offered:
        reason = "Host does not have new leveling feature keys - not comparing VM's flags"
    elif flags.get("vendor", offered["vendor"]) != offered["vendor"]:
        reason = "VM last booted on a CPU of another vendor than the host's"
    elif "features" in flags and not _is_within(flags["features"], offered[key]):
        reason = "VM last booted on a CPU with features this host's CPU does not have"
    if reason:
        raise ApiFailure("VM_INCOMPATIBLE_WITH_THIS_HOST", vm, host, reason)


def _is_within(features: str, offered: str) -> bool:
    """Compare word by word; words beyond the host's last do not count."""
    return all(word & ~have == 0 for word, have in zip(_words(features), _words(offered), strict=False))


def _words(features: str) -> list[int]:
    if not features:
        return []
    words = features.split("-")
    if not all(re.fullmatch(r"[0-9a-fA-F]{1,8}", word) for word in words):
        text = f'Xenops_interface.Xenopsd_error([S(Internal_error);S(Cpuid.InvalidFeatureString("{features}"))])'
        raise Unforeseen("INTERNAL_ERROR", text)
    return [int(word, 16) for word in words]
