"""An inventory as XenAPI records, which a simulated pool is made of: the way back of `pool_from_records`.

References are made of uuids. What an inventory does not keep, such as MAC addresses of hosts, is empty.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from rebalancer.inventory import Pool, Uuid
from rebalancer.inventory.host import PGPU, PIF, Host
from rebalancer.inventory.pool import Network
from rebalancer.inventory.storage import SR, VDI
from rebalancer.rehearse.guest_records import guest_records
from rebalancer.rehearse.tables import RecordTables, operations, ref, refs
from rebalancer.simulator import SimulatedPool

THIN: Final = {"allocation": "thin"}


def simulated_pool(pool: Pool) -> SimulatedPool:
    """The simulated pool that is like *pool*; nobody knows how busy its VMs are."""
    tables = RecordTables()
    _pool(tables, pool)
    for host in pool.hosts.values():
        _host(tables, pool, host)
    for network in pool.networks.values():
        _network(tables, network)
    _storage(tables, pool)
    for vm in pool.vms.values():
        guest_records(tables, vm)
    _groups(tables, pool)
    return SimulatedPool(records=tables.records)


def _pool(tables: RecordTables, pool: Pool) -> None:
    tables.add(
        "pool",
        pool.uuid,
        name_label=pool.name,
        master=ref(pool.coordinator),
        default_SR=ref(pool.default_sr),
        ha_enabled=pool.ha.enabled,
        ha_host_failures_to_tolerate=str(pool.ha.host_failures_to_tolerate),
        ha_plan_exists_for=str(pool.ha.plan_exists_for),
        ha_allow_overcommit=pool.ha.allow_overcommit,
        wlb_enabled=pool.wlb_enabled,
        wlb_url=pool.wlb_url,
        migration_compression=pool.migration_compression,
        other_config=dict(pool.other_config),
        restrictions=dict(pool.restrictions),
        cpu_info=dict(pool.cpu_info),
        tags=list(pool.tags),
    )


def _host(tables: RecordTables, pool: Pool, host: Host) -> None:
    residents = [vm for vm in pool.vms.values() if vm.resident_on == host.uuid]
    metrics = tables.add(
        "host_metrics",
        f"{host.uuid}-metrics",
        memory_total=str(host.memory_total_bytes or 0),
        memory_free="0",
        live=bool(host.live),
    )
    tables.add(
        "host",
        host.uuid,
        name_label=host.name,
        hostname=host.hostname,
        address=host.address,
        enabled=host.enabled,
        metrics=metrics,
        memory_overhead=str(host.memory_overhead_bytes),
        cpu_info=dict(host.cpu_info),
        software_version=dict(host.software_version),
        capabilities=list(host.capabilities),
        chipset_info=dict(host.chipset_info),
        license_params=dict(host.license_params),
        virtual_hardware_platform_versions=[str(each) for each in host.virtual_hardware_platform_versions or ()],
        current_operations=operations(host.uuid, host.current_operations, host.ghost_operations),
        allowed_operations=["vm_migrate", "provision", "vm_resume", "enable", "evacuate", "vm_start"],
        other_config=dict(host.other_config),
        tags=list(host.tags),
        resident_VMs=refs(vm.uuid for vm in residents),
        control_domain=ref(next((vm.uuid for vm in residents if vm.is_control_domain), None)),
        PBDs=refs(each.uuid for each in host.pbds),
        PIFs=refs(each.uuid for each in host.pifs),
        PGPUs=refs(each.uuid for each in host.pgpus),
    )
    _pbds(tables, host)
    for pif in host.pifs:
        _pif(tables, host, pif)
    for card in host.pgpus:
        _card(tables, host, card)


def _pbds(tables: RecordTables, host: Host) -> None:
    for pbd in host.pbds:
        formats = {"preferred-image-formats": ",".join(pbd.image_formats)} if pbd.image_formats else {}
        tables.add(
            "PBD",
            pbd.uuid,
            host=ref(host.uuid),
            SR=ref(pbd.sr),
            currently_attached=pbd.currently_attached,
            device_config=formats,
        )


def _pif(tables: RecordTables, host: Host, pif: PIF) -> None:
    speed = tables.add("PIF_metrics", f"{pif.uuid}-metrics", speed=str(pif.speed_mbits or 0), carrier=True)
    for kind, uuids in (("network_sriov", pif.sriov_logical_of), ("tunnel", pif.tunnel_access_of)):
        tables.name(kind, uuids)
    tables.name("Bond", [pif.bond_slave_of])
    tables.add(
        "PIF",
        pif.uuid,
        host=ref(host.uuid),
        network=ref(pif.network),
        device=pif.device,
        VLAN=str(pif.vlan),
        management=pif.management,
        currently_attached=pif.currently_attached,
        bond_slave_of=ref(pif.bond_slave_of),
        IP=pif.ip,
        ip_configuration_mode="Static" if pif.ip else "None",
        primary_address_type="IPv4",
        physical=pif.vlan < 0,
        managed=True,
        metrics=speed,
        sriov_logical_PIF_of=refs(pif.sriov_logical_of),
        tunnel_access_PIF_of=refs(pif.tunnel_access_of),
    )


def _card(tables: RecordTables, host: Host, card: PGPU) -> None:
    tables.name("PCI", [card.pci])
    tables.group_of_gpus(card.gpu_group, card.gpu_types)
    tables.add(
        "PGPU",
        card.uuid,
        host=ref(host.uuid),
        GPU_group=ref(card.gpu_group),
        PCI=ref(card.pci),
        enabled_VGPU_types=refs(card.enabled_types),
        supported_VGPU_max_capacities={ref(kind): str(count) for kind, count in card.max_capacities.items()},
        resident_VGPUs=refs(card.resident_vgpus),
        compatibility_metadata=dict(card.compatibility_metadata),
    )


def _network(tables: RecordTables, network: Network) -> None:
    tables.add(
        "network",
        network.uuid,
        name_label=network.name,
        bridge=network.bridge,
        managed=network.managed,
        PIFs=refs(network.pifs),
        other_config=dict(network.other_config),
    )


def _storage(tables: RecordTables, pool: Pool) -> None:
    for sr in pool.srs.values():
        _sr(tables, pool, sr)
    drives = _in_drives(pool)
    for disk in pool.vdis.values():
        _disk(tables, disk, drives.get(disk.uuid, ()), _taken_of(pool, disk.uuid))
    for driver in pool.storage_drivers.values():
        tables.add(
            "SM",
            driver.uuid,
            type=driver.type,
            name_label=driver.type,
            features=dict.fromkeys(driver.features, "1"),
            supported_image_formats=list(driver.supported_image_formats),
        )


def _sr(tables: RecordTables, pool: Pool, sr: SR) -> None:
    here = [disk for disk in pool.vdis.values() if disk.sr == sr.uuid]
    tables.add(
        "SR",
        sr.uuid,
        name_label=sr.name,
        type=sr.type,
        content_type=sr.content_type,
        shared=sr.shared,
        physical_size=str(sr.physical_size_bytes),
        physical_utilisation=str(sr.physical_utilisation_bytes),
        virtual_allocation=str(sum(disk.virtual_size_bytes for disk in here)),
        other_config=dict(sr.other_config),
        sm_config=dict(THIN) if sr.thin else {},
        tags=list(sr.tags),
        VDIs=refs(disk.uuid for disk in here),
        PBDs=refs(pbd.uuid for host in pool.hosts.values() for pbd in host.pbds if pbd.sr == sr.uuid),
    )


def _in_drives(pool: Pool) -> dict[Uuid, list[Uuid]]:
    """{disk: the drives that it is in}."""
    found: dict[Uuid, list[Uuid]] = {}
    for vm in pool.vms.values():
        for drive in vm.vbds:
            if drive.vdi is not None:
                found.setdefault(drive.vdi, []).append(drive.uuid)
    return found


def _taken_of(pool: Pool, disk: Uuid) -> list[Uuid]:
    return [each.uuid for each in pool.vdis.values() if each.snapshot_of == disk]


def _disk(tables: RecordTables, disk: VDI, drives: Iterable[Uuid], snapshots: Iterable[Uuid]) -> None:
    known: dict[str, Any] = {} if disk.cbt_enabled is None else {"cbt_enabled": disk.cbt_enabled}
    tables.add(
        "VDI",
        disk.uuid,
        name_label=disk.name,
        SR=ref(disk.sr),
        VBDs=refs(drives),
        virtual_size=str(disk.virtual_size_bytes),
        physical_utilisation=str(disk.physical_utilisation_bytes),
        type=disk.type,
        read_only=disk.read_only,
        sharable=disk.sharable,
        on_boot=disk.on_boot,
        is_a_snapshot=disk.is_a_snapshot,
        snapshot_of=ref(disk.snapshot_of),
        snapshots=refs(snapshots),
        sm_config=dict(disk.sm_config),
        current_operations=operations(disk.uuid, disk.current_operations, ()),
        missing=disk.missing,
        location=disk.uuid,
        managed=True,
        **known,
    )


def _groups(tables: RecordTables, pool: Pool) -> None:
    for group in pool.vm_groups.values():
        tables.add("VM_group", group.uuid, name_label=group.name, placement=group.placement, VMs=refs(group.vms))
    for kind in pool.vgpu_types.values():
        tables.add("VGPU_type", kind.uuid, model_name=kind.model_name, implementation=kind.implementation)
