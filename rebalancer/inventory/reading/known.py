"""The fields that records of a class have in the version of XAPI that wrote them.

XAPI sends every record of a class with all the fields that it knows: what some record has, all have, and a record
without it was cut. What no record has is from a later version, unless something younger is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from rebalancer.inventory.reading.fields import Records

ALWAYS: Final = MappingProxyType(
    {
        "pool": ("ha_enabled", "other_config", "restrictions", "tags"),
        "host": (
            "capabilities",
            "cpu_info",
            "current_operations",
            "enabled",
            "memory_overhead",
            "metrics",
            "software_version",
            "tags",
        ),
        "host_metrics": ("live", "memory_total"),
        "VM": (
            "HVM_boot_policy",
            "HVM_shadow_multiplier",
            "VCPUs_at_startup",
            "VCPUs_max",
            "VCPUs_params",
            "actions_after_crash",
            "affinity",
            "blocked_operations",
            "current_operations",
            "guest_metrics",
            "ha_always_run",
            "ha_restart_priority",
            "is_a_snapshot",
            "is_a_template",
            "is_control_domain",
            "last_boot_CPU_flags",
            "memory_dynamic_max",
            "memory_dynamic_min",
            "memory_overhead",
            "memory_static_max",
            "memory_static_min",
            "metrics",
            "other_config",
            "platform",
            "power_state",
            "resident_on",
            "scheduled_to_be_resident_on",
            "snapshots",
            "suspend_VDI",
            "tags",
        ),
        "VM_metrics": ("VCPUs_number", "memory_actual"),
        "VM_guest_metrics": ("PV_drivers_version", "networks", "os_version", "other"),
        "VBD": ("VDI", "currently_attached", "empty", "type"),
        "VIF": ("currently_attached", "network"),
        "VDI": (
            "SR",
            "current_operations",
            "is_a_snapshot",
            "missing",
            "physical_utilisation",
            "read_only",
            "sharable",
            "sm_config",
            "snapshot_of",
            "type",
            "virtual_size",
        ),
        "PBD": ("SR", "currently_attached", "device_config"),
        "PIF": ("VLAN", "bond_slave_of", "currently_attached", "management", "network"),
        "SR": ("other_config", "physical_size", "physical_utilisation", "shared", "sm_config", "type"),
        "network": ("PIFs", "other_config"),
    }
)
"""By class, what every XAPI since XenServer 5.6 has and whose absence could be taken for permission."""

LATER: Final = (
    (6.0, "VM", "attached_PCIs"),
    (6.5, "VM", "hardware_platform_version"),
    (6.5, "host", "virtual_hardware_platform_versions"),
    (7.1, "VM_metrics", "nested_virt"),
    (7.1, "VM_metrics", "nomigrate"),
    (7.2, "VM", "is_default_template"),
    (7.2, "network", "managed"),
    (7.3, "VDI", "cbt_enabled"),
    (7.3, "VM", "VUSBs"),
    (7.5, "VM", "domain_type"),
    (7.5, "VM_metrics", "current_domain_type"),
)
"""What came later, with the first XenServer that has it: none may be missing where something younger is there."""

BELONGS_TO: Final = MappingProxyType(
    {"VBD": "VM", "VIF": "VM", "VGPU": "VM", "VUSB": "VM", "PBD": "host", "PIF": "host", "PGPU": "host"}
)
"""The field that says whose a record is: without it nobody knows what its owner needs or has."""


def known_fields(kind: str, records: Records) -> frozenset[str]:
    """The fields that every record of class *kind* should have."""
    found = set(_present(records.get(kind, {})))
    youngest = max((since for since, of, field in LATER if _is_in(field, records.get(of, {}))), default=0.0)
    found |= {field for since, of, field in LATER if of == kind and since <= youngest}
    return frozenset({*found, *ALWAYS.get(kind, ()), *filter(None, [BELONGS_TO.get(kind)])})


def whole_fields_missing(records: Records) -> Iterator[str]:
    """A sentence for each field that every XAPI has and no record here, and for each record without an owner."""
    for kind, fields in ALWAYS.items():
        table = records.get(kind, {})
        missing = sorted(set(fields) - set(_present(table))) if table else []
        yield from (f"no {kind} record has the field {field}" for field in missing)
    for kind, field in BELONGS_TO.items():
        for record in records.get(kind, {}).values():
            if record.get(field) is None:
                yield f"{kind} {record.get('uuid')} does not say whose it is: it has no field {field}"


def _is_in(field: str, table: Mapping[str, Mapping[str, object]]) -> bool:
    return any(field in record for record in table.values())


def _present(table: Mapping[str, Mapping[str, object]]) -> frozenset[str]:
    return frozenset[str]().union(*table.values())
