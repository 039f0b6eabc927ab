"""VMs with their drives, interfaces, virtual GPUs and metrics."""

from __future__ import annotations

from rebalancer.errors import InventoryError
from rebalancer.inventory.reading.fields import Fields
from rebalancer.inventory.reading.tables import Tables
from rebalancer.inventory.references import DANGLING, Uuid
from rebalancer.inventory.sexpr import NotAnExpression, read_map
from rebalancer.inventory.vm import (
    VBD,
    VGPU,
    VIF,
    VM,
    DomainType,
    GuestMetrics,
    MemoryRange,
    PowerState,
    VBDType,
    VMMetrics,
)


def vm(tables: Tables, ref: str, fields: Fields) -> VM:
    """A VM, template, snapshot or control domain.

    Raises:
        InventoryError: no VM says something that every XAPI knows.
    """
    return VM(
        uuid=fields.uuid,
        name=fields.text("name_label"),
        power_state=_power_state(tables, fields),
        is_a_template=fields.boolean("is_a_template"),
        is_default_template=_is_default_template(fields),
        is_a_snapshot=fields.boolean("is_a_snapshot"),
        is_control_domain=fields.boolean("is_control_domain"),
        resident_on=_host(tables, fields, "resident_on"),
        scheduled_to_be_resident_on=_host(tables, fields, "scheduled_to_be_resident_on"),
        affinity=_host(tables, fields, "affinity"),
        memory=_memory(fields),
        memory_overhead_bytes=fields.integer("memory_overhead"),
        vcpus_max=fields.integer("VCPUs_max"),
        vcpus_at_startup=fields.integer("VCPUs_at_startup"),
        vcpus_params=fields.texts("VCPUs_params"),
        hvm_shadow_multiplier=fields.number("HVM_shadow_multiplier", 1.0),
        hvm_boot_policy=fields.text("HVM_boot_policy"),
        domain_type=_domain_type(tables, fields, "domain_type"),
        platform=fields.texts("platform"),
        other_config=fields.texts("other_config"),
        tags=fields.names("tags"),
        blocked_operations=fields.texts("blocked_operations"),
        current_operations=fields.operations(),
        ghost_operations=tables.ghosts(fields),
        hardware_platform_version=fields.optional_integer("hardware_platform_version"),
        last_boot_cpu_flags=fields.texts("last_boot_CPU_flags"),
        ha_always_run=fields.boolean("ha_always_run", absent=False),
        ha_restart_priority=fields.text("ha_restart_priority"),
        actions_after_crash=fields.text("actions_after_crash"),
        groups=tables.living("VM_group", fields, "groups"),
        vbds=tuple(_vbd(tables, fields, each) for each in tables.owned("VBD", "VM", ref)),
        vifs=tuple(_vif(tables, fields, each) for each in tables.owned("VIF", "VM", ref)),
        vgpus=tuple(_vgpu(tables, fields, each) for each in tables.owned("VGPU", "VM", ref)),
        vusbs=tables.uuids("VUSB", fields, "VUSBs"),
        vtpms=tables.uuids("VTPM", fields, "VTPMs"),
        attached_pcis=tables.uuids("PCI", fields, "attached_PCIs"),
        snapshots=tables.uuids("VM", fields, "snapshots"),
        suspend_vdi=tables.uuid("VDI", fields.raw("suspend_VDI"), fields),
        usb_hosts=tuple(sorted(_usb_host(tables, each) for each in tables.owned("VUSB", "VM", ref))),
        version=fields.integer("version", 0),
        snapshot_of=_snapshot_of(tables, fields),
        order=fields.integer("order", 0),
        start_delay=fields.integer("start_delay", 0),
        metrics=_metrics(tables, fields),
        guest_metrics=_guest_metrics(tables, fields),
        unsaid=tables.unsaid(),
    )


def _power_state(tables: Tables, fields: Fields) -> PowerState:
    """The VM's power state; of one that nobody knows, whether it occupies a host."""
    try:
        return power_state(fields)
    except InventoryError:
        fields.unreadable("power_state", fields.text("power_state"))
        return PowerState.HALTED if _host(tables, fields, "resident_on") is None else PowerState.RUNNING


def power_state(fields: Fields) -> PowerState:
    """The VM's power state: nothing can be done to one whose state is unknown.

    Raises:
        InventoryError: it is.
    """
    value = fields.text("power_state", "nothing")
    try:
        return PowerState(value)
    except ValueError:
        raise InventoryError([f"{fields} ({fields.uuid}) has the unknown power state {value!r}"]) from None


def _is_default_template(fields: Fields) -> bool:
    """Whether the template came with the product; XAPI below 7.2 says so in `other_config` only."""
    return fields.boolean("is_default_template", absent=False) or "default_template" in fields.texts("other_config")


def _snapshot_of(tables: Tables, fields: Fields) -> Uuid | None:
    """The VM of which a snapshot was taken: XAPI keeps its uuid with the snapshot once the VM is gone."""
    if not fields.boolean("is_a_snapshot"):
        return None
    origin = tables.behind("VM", fields.raw("snapshot_of"))
    if origin is not None:
        return origin.uuid
    try:
        return read_map(fields.text("snapshot_metadata")).get("uuid")
    except NotAnExpression:
        return None


def _host(tables: Tables, fields: Fields, field: str) -> Uuid | None:
    return tables.uuid("host", fields.raw(field), fields)


def _memory(fields: Fields) -> MemoryRange:
    return MemoryRange(
        static_min_bytes=fields.integer("memory_static_min"),
        dynamic_min_bytes=fields.integer("memory_dynamic_min"),
        dynamic_max_bytes=fields.integer("memory_dynamic_max"),
        static_max_bytes=fields.integer("memory_static_max"),
    )


def _domain_type(tables: Tables, fields: Fields, field: str) -> DomainType | None:
    """The domain type, None below XenServer 7.5; one that came later is as unspecified as XAPI's own."""
    return tables.known(fields, field, DomainType.UNSPECIFIED) if fields.raw(field) else None


def _metrics(tables: Tables, owner: Fields) -> VMMetrics | None:
    fields = tables.behind("VM_metrics", owner.raw("metrics"))
    if fields is None:
        return None
    return VMMetrics(
        memory_actual_bytes=fields.integer("memory_actual", 0),
        vcpus_number=fields.integer("VCPUs_number", 0),
        nomigrate=fields.optional_boolean("nomigrate"),
        nested_virt=fields.optional_boolean("nested_virt"),
        current_domain_type=_domain_type(tables, fields, "current_domain_type"),
        start_time=fields.text("start_time") if fields.has("start_time") else None,
    )


def _guest_metrics(tables: Tables, owner: Fields) -> GuestMetrics | None:
    fields = tables.behind("VM_guest_metrics", owner.raw("guest_metrics"))
    if fields is None:
        return None
    return GuestMetrics(
        pv_drivers_version=fields.texts("PV_drivers_version"),
        pv_drivers_detected=fields.optional_boolean("PV_drivers_detected"),
        other=fields.texts("other"),
        os_version=fields.texts("os_version"),
        networks=fields.texts("networks"),
    )


def _vbd(tables: Tables, owner: Fields, fields: Fields) -> VBD:
    """A drive; one of unknown type is treated as a disk, which has to be everywhere its VM goes."""
    return VBD(
        uuid=fields.uuid,
        type=tables.known(fields, "type", VBDType.DISK),
        device=fields.text("device") or fields.text("userdevice"),
        empty=fields.boolean("empty", absent=False),
        currently_attached=fields.boolean("currently_attached", absent=True),
        vdi=tables.uuid("VDI", fields.raw("VDI"), f"a drive of {owner}"),
    )


def _vif(tables: Tables, owner: Fields, fields: Fields) -> VIF:
    holder = f"an interface of {owner}"
    return VIF(
        uuid=fields.uuid,
        device=fields.text("device"),
        mac=fields.text("MAC"),
        network=tables.some_uuid("network", fields.raw("network"), holder),
        currently_attached=fields.boolean("currently_attached", absent=True),
        reserved_pci=tables.uuid("PCI", fields.raw("reserved_pci"), holder),
    )


def _vgpu(tables: Tables, owner: Fields, fields: Fields) -> VGPU:
    holder = f"a GPU of {owner}"
    return VGPU(
        uuid=fields.uuid,
        type=tables.uuid("VGPU_type", fields.raw("type"), holder),
        gpu_group=tables.some_uuid("GPU_group", fields.raw("GPU_group"), holder),
        resident_on=tables.uuid("PGPU", fields.raw("resident_on"), holder),
        scheduled_to_be_resident_on=tables.uuid("PGPU", fields.raw("scheduled_to_be_resident_on"), holder),
        pci=tables.uuid("PCI", fields.raw("PCI"), holder),
        gpu_types=tables.gpu_types(fields),
    )


def _usb_host(tables: Tables, vusb: Fields) -> Uuid:
    """The host that has the device behind a virtual USB device: that of the first in its group, as XAPI looks it up."""
    group = tables.behind("USB_group", vusb.raw("USB_group"))
    devices = list(group.members("PUSBs")) if group else []
    device = tables.behind("PUSB", devices[0]) if devices else None
    return tables.some_uuid("host", device.raw("host"), device) if device else DANGLING
