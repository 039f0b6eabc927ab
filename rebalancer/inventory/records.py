"""XenAPI records become a `Pool`.

Records come from `get_all_records` over the wire, from a database dump or from a recording, always in the same shape:
`{class: {ref: record}}`. Defects that make a plan impossible raise `InventoryError`; references that lead nowhere,
and enum values of a later XAPI, are kept as sentences in `Pool.dangling`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from rebalancer.errors import InventoryError
from rebalancer.inventory.pool import Pool
from rebalancer.inventory.reading.fields import Fields, Record, Records
from rebalancer.inventory.reading.host import host
from rebalancer.inventory.reading.known import whole_fields_missing
from rebalancer.inventory.reading.pool import high_availability, network, vgpu_type, vm_group
from rebalancer.inventory.reading.storage import disk, driver, storage_repository
from rebalancer.inventory.reading.tables import Tables
from rebalancer.inventory.reading.vm import vm

__all__ = ["CLASSES", "Record", "Records", "pool_from_records"]

CLASSES = (
    "pool",
    "host",
    "host_metrics",
    "VM",
    "VM_metrics",
    "VM_guest_metrics",
    "VM_group",
    "VBD",
    "VDI",
    "VIF",
    "SR",
    "PBD",
    "SM",
    "network",
    "PIF",
    "PIF_metrics",
    "Bond",
    "tunnel",
    "network_sriov",
    "VLAN",
    "VGPU",
    "VGPU_type",
    "GPU_group",
    "PGPU",
    "PCI",
    "VUSB",
    "USB_group",
    "PUSB",
    "VTPM",
    "task",
)
"""Classes that the inventory reads; some are younger than XenServer 6.2, see `rebalancer.xapi.reading.read`."""


def pool_from_records(records: Records) -> Pool:
    """The pool that *records* describe.

    Example:
        >>> import rebalancer as rb
        >>> pool = rb.inventory.pool_from_records(rb.simulator.demo_pool().records)
        >>> pool.name, len(pool.hosts)
        ('simulated', 5)

    Raises:
        InventoryError: no pool or several, a record without uuid, two objects with one uuid, a coordinator that is not
            there, something that belongs to a VM or host and does not say to which, or a field that every XAPI has and
            no record here. What a single object does not say stands in its `unsaid`.
    """
    return pool_of(Tables(records), records)


def pool_of(tables: Tables, records: Records) -> Pool:
    """The same, where *tables* of the *records* are at hand.

    Raises:
        InventoryError: see `pool_from_records`.
    """
    _refuse_all(_broken_uuids(tables))
    _refuse_all(whole_fields_missing(records))
    pool = _pool(tables)
    refuse_headless(pool)
    return pool


def refuse_headless(pool: Pool) -> None:
    """Refuse a pool whose coordinator is not one of its hosts.

    Raises:
        InventoryError: it is not.
    """
    if pool.coordinator not in pool.hosts:
        raise InventoryError(["the coordinator is not one of the hosts"])


def settings_of(tables: Tables) -> dict[str, Any]:
    """The fields of a pool that stand in its own record.

    Raises:
        InventoryError: there is not one pool.
    """
    fields = _only_pool(tables)
    return {
        "uuid": fields.uuid,
        "name": fields.text("name_label"),
        "coordinator": tables.some_uuid("host", fields.raw("master"), "the pool"),
        "default_sr": tables.uuid("SR", fields.raw("default_SR"), "the pool's default SR"),
        "ha": high_availability(fields),
        "wlb_enabled": fields.boolean("wlb_enabled", absent=False),
        "wlb_url": fields.text("wlb_url"),
        "migration_compression": fields.boolean("migration_compression", absent=False),
        "other_config": fields.texts("other_config"),
        "restrictions": fields.texts("restrictions"),
        "cpu_info": fields.texts("cpu_info"),
        "tags": fields.names("tags"),
    }


def _pool(tables: Tables) -> Pool:
    drivers = (driver(tables, each) for _, each in tables.each("SM"))
    return Pool(
        **settings_of(tables),
        hosts={each.uuid: host(tables, ref, each) for ref, each in tables.each("host")},
        vms={each.uuid: vm(tables, ref, each) for ref, each in tables.each("VM")},
        vdis={each.uuid: disk(tables, each) for _, each in tables.each("VDI")},
        srs={each.uuid: storage_repository(tables, each) for _, each in tables.each("SR")},
        networks={each.uuid: network(tables, each) for _, each in tables.each("network")},
        storage_drivers={each.type: each for each in sorted(drivers, key=lambda each: each.type)},
        vm_groups={each.uuid: vm_group(tables, each) for _, each in tables.each("VM_group")},
        vgpu_types={each.uuid: vgpu_type(each) for _, each in tables.each("VGPU_type")},
        dangling=tuple(sorted(tables.dangling)),
    )


def _only_pool(tables: Tables) -> Fields:
    found = [fields for _, fields in tables.each("pool")]
    if len(found) != 1:
        raise InventoryError([f"{len(found)} pool records instead of one"])
    return found[0]


def _broken_uuids(tables: Tables) -> Iterator[str]:
    """Two objects of a class never share a uuid, and none lacks one; metrics are found by reference only."""
    for kind in (each for each in CLASSES if not each.endswith("_metrics")):
        for uuid, times in Counter(str(record.get("uuid", "")) for record in tables.table(kind).values()).items():
            if not uuid:
                yield f"a {kind} has no uuid"
            elif times > 1:
                yield f"{times} {kind} records have the uuid {uuid}"


def _refuse_all(contradictions: Iterator[str]) -> None:
    if found := list(contradictions):
        raise InventoryError(found)
