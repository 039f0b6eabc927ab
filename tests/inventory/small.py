"""A pool of one host and one VM, as records, to be changed in one thing at a time."""

from __future__ import annotations

from typing import Any

Mutable = dict[str, dict[str, dict[str, Any]]]


MAPS: dict[str, dict[str, Any]] = {
    "pool": {"other_config": {}, "restrictions": {}},
    "host": {"cpu_info": {}, "current_operations": {}, "software_version": {}},
    "VM": {
        "HVM_shadow_multiplier": 1.0,
        "VCPUs_params": {},
        "actions_after_crash": "",
        "blocked_operations": {},
        "current_operations": {},
        "ha_always_run": False,
        "ha_restart_priority": "",
        "last_boot_CPU_flags": {},
        "other_config": {},
        "platform": {},
        "scheduled_to_be_resident_on": "OpaqueRef:NULL",
        "snapshots": [],
    },
}
"""What every XAPI says, and has nothing to say about here."""


def small_records() -> Mutable:
    """One host, one running VM with a disk on a shared SR and an interface."""
    return {
        "pool": {"P": _pool()},
        "host": {"H": _host()},
        "host_metrics": {"HM": {"uuid": "hm", "live": True, "memory_total": "34359738368"}},
        "VM": {"V": _vm()},
        "VM_metrics": {"VMM": {"uuid": "vmm", "memory_actual": "1073741824", "current_domain_type": "hvm"}},
        "VBD": {
            "B": {"uuid": "vbd", "VM": "V", "VDI": "D", "type": "Disk", "empty": False, "currently_attached": True}
        },
        "VDI": {"D": _vdi()},
        "SR": {"S": {"uuid": "sr", "name_label": "nfs", "type": "nfs", "shared": True}},
        "PBD": {"PBD": {"uuid": "pbd", "host": "H", "SR": "S", "currently_attached": True}},
        "network": {"N": {"uuid": "net", "name_label": "lan", "PIFs": ["I"]}},
        "PIF": {"I": {"uuid": "pif", "host": "H", "network": "N", "bond_slave_of": "OpaqueRef:NULL"}},
        "VIF": {"F": {"uuid": "vif", "VM": "V", "network": "N", "device": "0"}},
    }


def _pool() -> dict[str, Any]:
    """A pool without HA."""
    ha = {"ha_host_failures_to_tolerate": "0", "ha_plan_exists_for": "0"}
    return {"uuid": "pool", "master": "H", "ha_enabled": False, "ha_allow_overcommit": False, **ha} | MAPS["pool"]


def _host() -> dict[str, Any]:
    """A host that takes VMs."""
    return {"uuid": "host", "name_label": "h1", "enabled": True, "memory_overhead": "0", "metrics": "HM"} | MAPS["host"]


def _vm() -> dict[str, Any]:
    """A running VM of 1 GiB."""
    memory = ("static_min", "dynamic_min", "dynamic_max", "static_max")
    return {
        "uuid": "vm",
        "name_label": "web",
        "power_state": "Running",
        "is_a_template": False,
        "is_a_snapshot": False,
        "is_control_domain": False,
        "resident_on": "H",
        "metrics": "VMM",
        "memory_overhead": "0",
        "VCPUs_max": "2",
        "VCPUs_at_startup": "2",
        **{f"memory_{each}": "1073741824" for each in memory},
        **MAPS["VM"],
    }


def _vdi() -> dict[str, Any]:
    """A disk of 8 GiB."""
    return {
        "uuid": "vdi",
        "SR": "S",
        "virtual_size": "8589934592",
        "physical_utilisation": "0",
        "sm_config": {},
        "is_a_snapshot": False,
    }
