"""A pool of one host and one VM, as records, to be changed in one thing at a time."""

from __future__ import annotations

from typing import Any

Mutable = dict[str, dict[str, dict[str, Any]]]


MAPS: dict[str, dict[str, Any]] = {
    "pool": {"other_config": {}, "restrictions": {}, "tags": []},
    "host": {"capabilities": [], "cpu_info": {}, "current_operations": {}, "software_version": {}, "tags": []}
    | {"virtual_hardware_platform_versions": ["0"]},
    "VM": {
        "HVM_boot_policy": "",
        "HVM_shadow_multiplier": 1.0,
        "VCPUs_params": {},
        "VUSBs": [],
        "actions_after_crash": "",
        "affinity": "OpaqueRef:NULL",
        "attached_PCIs": [],
        "blocked_operations": {},
        "current_operations": {},
        "domain_type": "hvm",
        "guest_metrics": "OpaqueRef:NULL",
        "ha_always_run": False,
        "ha_restart_priority": "",
        "hardware_platform_version": "0",
        "is_default_template": False,
        "last_boot_CPU_flags": {},
        "other_config": {},
        "platform": {},
        "scheduled_to_be_resident_on": "OpaqueRef:NULL",
        "snapshots": [],
        "suspend_VDI": "OpaqueRef:NULL",
        "tags": [],
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
        "VM_metrics": {"VMM": _vm_metrics()},
        "VBD": {
            "B": {"uuid": "vbd", "VM": "V", "VDI": "D", "type": "Disk", "empty": False, "currently_attached": True}
        },
        "VDI": {"D": _vdi()},
        "SR": {"S": _sr()},
        "PBD": {"PBD": {"uuid": "pbd", "host": "H", "SR": "S", "currently_attached": True, "device_config": {}}},
        "network": {"N": {"uuid": "net", "name_label": "lan", "PIFs": ["I"], "managed": True, "other_config": {}}},
        "PIF": {"I": _pif()},
        "VIF": {"F": {"uuid": "vif", "VM": "V", "network": "N", "device": "0", "currently_attached": True}},
    }


def _vm_metrics() -> dict[str, Any]:
    """A domain of 1 GiB with two vCPUs."""
    flags = {"nested_virt": False, "nomigrate": False, "current_domain_type": "hvm"}
    return {"uuid": "vmm", "memory_actual": "1073741824", "VCPUs_number": "2"} | flags


def _sr() -> dict[str, Any]:
    """An empty shared SR."""
    sizes = {"physical_size": "0", "physical_utilisation": "0"}
    return {
        "uuid": "sr",
        "name_label": "nfs",
        "type": "nfs",
        "shared": True,
        "other_config": {},
        "sm_config": {},
    } | sizes


def _pif() -> dict[str, Any]:
    """An interface of the host on the network."""
    plugged = {"currently_attached": True, "management": True, "VLAN": "-1"}
    return {"uuid": "pif", "host": "H", "network": "N", "bond_slave_of": "OpaqueRef:NULL"} | plugged


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
        "cbt_enabled": False,
        "current_operations": {},
        "missing": False,
        "read_only": False,
        "sharable": False,
        "snapshot_of": "OpaqueRef:NULL",
        "type": "user",
    }
