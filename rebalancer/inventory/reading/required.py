"""Fields that every XAPI since XenServer 5.6 has, and whose absence could be taken for permission.

Without `VM.blocked_operations` no operation is blocked, without `VIF.VM` a VM needs no network: a record that lacks
such a field was cut, and what it does not say is not known. Fields that came later are no part of it: they say nothing
on an older XAPI, and rules read them so.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

from rebalancer.inventory.reading.tables import Tables
from rebalancer.units import counted

ALWAYS = MappingProxyType(
    {
        "pool": ("other_config", "restrictions"),
        "host": ("cpu_info", "current_operations", "software_version"),
        "VM": (
            "HVM_shadow_multiplier",
            "VCPUs_params",
            "actions_after_crash",
            "blocked_operations",
            "current_operations",
            "ha_always_run",
            "ha_restart_priority",
            "last_boot_CPU_flags",
            "other_config",
            "platform",
            "resident_on",
            "scheduled_to_be_resident_on",
            "snapshots",
        ),
        "VM_metrics": ("memory_actual",),
        "VM_guest_metrics": ("networks", "os_version", "other"),
        "VBD": ("VDI", "VM", "empty", "type"),
        "VIF": ("VM", "network"),
        "VGPU": ("VM",),
        "VUSB": ("VM",),
        "VDI": ("SR", "sm_config"),
        "PBD": ("SR", "currently_attached", "host"),
        "PIF": ("bond_slave_of", "host", "network"),
        "SR": ("shared", "type"),
    }
)
"""By class; all of them stand in the databases of XenServer 5.6 to 6.1 and in today's datamodel."""


def missing_fields(tables: Tables) -> Iterator[str]:
    """One sentence for each class and field that some record lacks, with how many do."""
    for kind, fields in ALWAYS.items():
        for field in fields:
            lacking = sorted(
                str(record.get("uuid", "")) for record in tables.table(kind).values() if field not in record
            )
            if lacking:
                yield f"{counted(len(lacking), f'{kind} record')} without the field {field}, such as {lacking[0]}"
