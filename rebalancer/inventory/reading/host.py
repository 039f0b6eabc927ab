"""Hosts with their connections to storage, their interfaces and GPUs."""

from __future__ import annotations

from rebalancer.inventory.host import PBD, PGPU, PIF, Host
from rebalancer.inventory.reading.fields import Fields
from rebalancer.inventory.reading.sriov import free_virtual_functions
from rebalancer.inventory.reading.tables import Tables


def host(tables: Tables, ref: str, fields: Fields) -> Host:
    """A host; what its missing metrics object would say is None."""
    metrics = tables.behind("host_metrics", fields.raw("metrics"))
    return Host(
        uuid=fields.uuid,
        name=fields.text("name_label"),
        hostname=fields.text("hostname"),
        address=fields.text("address"),
        enabled=fields.boolean("enabled"),
        live=metrics.boolean("live") if metrics and metrics.has("live") else None,
        memory_total_bytes=_memory_total(metrics, fields),
        memory_overhead_bytes=fields.integer("memory_overhead"),
        cpu_info=fields.texts("cpu_info"),
        software_version=fields.texts("software_version"),
        capabilities=fields.names("capabilities"),
        chipset_info=fields.texts("chipset_info"),
        license_params=fields.texts("license_params"),
        virtual_hardware_platform_versions=_platform_versions(fields),
        current_operations=fields.operations(),
        ghost_operations=tables.ghosts(fields),
        other_config=fields.texts("other_config"),
        tags=fields.names("tags"),
        pbds=tuple(_pbd(tables, each) for each in tables.owned("PBD", "host", ref)),
        pifs=tuple(_pif(tables, each) for each in tables.owned("PIF", "host", ref)),
        pgpus=tuple(_pgpu(tables, each) for each in _cards(tables, ref, fields)),
        unsaid=tables.unsaid(),
    )


def _memory_total(metrics: Fields | None, fields: Fields) -> int | None:
    """Bytes that the host has; None where it does not say what it has or what it takes for itself."""
    if metrics is None or not fields.has("memory_overhead"):
        return None
    return metrics.integer("memory_total") or None


def _platform_versions(fields: Fields) -> tuple[int, ...] | None:
    """Virtual hardware platform versions, sorted; None below XenServer 6.5."""
    field = "virtual_hardware_platform_versions"
    if not fields.has(field):
        return None
    try:
        return tuple(sorted(int(str(each)) for each in fields.members(field)))
    except ValueError:
        fields.unreadable(field, fields.raw(field))
        return ()


def _pbd(tables: Tables, fields: Fields) -> PBD:
    return PBD(
        uuid=fields.uuid,
        sr=tables.some_uuid("SR", fields.raw("SR"), fields),
        currently_attached=fields.boolean("currently_attached", absent=False),
        image_formats=_formats(fields.texts("device_config").get("preferred-image-formats", "")),
    )


def _formats(preferred: str) -> tuple[str, ...]:
    """Names between commas, as SM reads them."""
    names = (name.strip().lower() for name in preferred.split(","))
    return tuple(name for name in names if name)


def _pif(tables: Tables, fields: Fields) -> PIF:
    metrics = tables.behind("PIF_metrics", fields.raw("metrics"))
    return PIF(
        uuid=fields.uuid,
        network=tables.some_uuid("network", fields.raw("network"), fields),
        device=fields.text("device"),
        vlan=fields.integer("VLAN", -1),
        management=fields.boolean("management", absent=False),
        currently_attached=fields.boolean("currently_attached", absent=False),
        bond_slave_of=tables.uuid("Bond", fields.raw("bond_slave_of"), fields),
        ip=fields.text("IP"),
        speed_mbits=metrics.integer("speed", 0) or None if metrics else None,
        sriov_logical_of=tables.uuids("network_sriov", fields, "sriov_logical_PIF_of"),
        tunnel_access_of=tables.uuids("tunnel", fields, "tunnel_access_PIF_of"),
        free_virtual_functions=free_virtual_functions(tables, fields),
    )


def _cards(tables: Tables, ref: str, fields: Fields) -> list[Fields]:
    """The host's GPUs in its own order; those that it does not list come last, by uuid."""
    listed = [tables.uuid("PGPU", each, fields) for each in fields.members("PGPUs")]
    place = {uuid: number for number, uuid in enumerate(listed)}
    return sorted(tables.owned("PGPU", "host", ref), key=lambda card: place.get(card.uuid, len(place)))


def _pgpu(tables: Tables, fields: Fields) -> PGPU:
    counts = fields.texts("supported_VGPU_max_capacities")
    if not all(count.isdecimal() for count in counts.values()):
        fields.unreadable("supported_VGPU_max_capacities", counts)
    capacities = {
        tables.some_uuid("VGPU_type", ref, fields): int(count) for ref, count in counts.items() if count.isdecimal()
    }
    return PGPU(
        uuid=fields.uuid,
        gpu_group=tables.uuid("GPU_group", fields.raw("GPU_group"), fields),
        pci=tables.uuid("PCI", fields.raw("PCI"), fields),
        enabled_types=tables.living("VGPU_type", fields, "enabled_VGPU_types"),
        max_capacities=dict(sorted(capacities.items())),
        resident_vgpus=tables.uuids("VGPU", fields, "resident_VGPUs"),
        compatibility_metadata=fields.texts("compatibility_metadata"),
        gpu_types=tables.gpu_types(fields),
        found=fields.raw("GPU_group") == tables.gpu_group_of(tables.gpu_types(fields)),
    )
