"""A VM of an inventory as XenAPI records, with drives, interfaces, virtual GPUs and metrics."""

from __future__ import annotations

from typing import Any

from rebalancer.inventory import VM
from rebalancer.inventory.vm import VGPU
from rebalancer.rehearse.tables import RecordTables, operations, ref, refs

RUNNING = ["pool_migrate", "migrate_send", "hard_shutdown", "hard_reboot", "clean_shutdown", "clean_reboot", "suspend"]
HALTED = ["start", "start_on"]


def guest_records(tables: RecordTables, vm: VM) -> None:
    """Write the records of *vm* and of all that belongs to it."""
    _drives(tables, vm)
    _interfaces(tables, vm)
    for card in vm.vgpus:
        _virtual_gpu(tables, vm, card)
    _usb(tables, vm)
    for kind, uuids in (("VTPM", vm.vtpms), ("PCI", vm.attached_pcis)):
        tables.name(kind, uuids)
    tables.add(
        "VM",
        vm.uuid,
        name_label=vm.name,
        power_state=str(vm.power_state),
        is_a_template=vm.is_a_template,
        is_default_template=vm.is_default_template,
        is_a_snapshot=vm.is_a_snapshot,
        is_control_domain=vm.is_control_domain,
        other_config=dict(vm.other_config),
        tags=list(vm.tags),
        blocked_operations=dict(vm.blocked_operations),
        current_operations=operations(vm.uuid, vm.current_operations, vm.ghost_operations),
        allowed_operations=list(RUNNING if vm.resident_on else HALTED),
        actions_after_crash=vm.actions_after_crash,
        groups=refs(vm.groups),
        VTPMs=refs(vm.vtpms),
        attached_PCIs=refs(vm.attached_pcis),
        snapshots=refs(vm.snapshots),
        snapshot_of=ref(vm.snapshot_of),
        suspend_VDI=ref(vm.suspend_vdi),
        version=str(vm.version),
        **_places(vm),
        **_platform(vm),
        **_cpus(vm),
        **_memory(vm),
        **_availability(vm),
        **_belongings(vm),
        **_metrics(tables, vm),
    )


def _places(vm: VM) -> dict[str, str]:
    return {
        "resident_on": ref(vm.resident_on),
        "scheduled_to_be_resident_on": ref(vm.scheduled_to_be_resident_on),
        "affinity": ref(vm.affinity),
        "domid": "1" if vm.resident_on else "-1",
    }


def _platform(vm: VM) -> dict[str, Any]:
    return {
        "HVM_shadow_multiplier": vm.hvm_shadow_multiplier,
        "HVM_boot_policy": vm.hvm_boot_policy,
        "domain_type": str(vm.domain_type or "unspecified"),
        "platform": dict(vm.platform),
        "hardware_platform_version": str(vm.hardware_platform_version or 0),
    }


def _cpus(vm: VM) -> dict[str, Any]:
    return {
        "VCPUs_max": str(vm.vcpus_max),
        "VCPUs_at_startup": str(vm.vcpus_at_startup),
        "VCPUs_params": dict(vm.vcpus_params),
        "last_boot_CPU_flags": dict(vm.last_boot_cpu_flags),
    }


def _availability(vm: VM) -> dict[str, Any]:
    return {
        "ha_always_run": vm.ha_always_run,
        "ha_restart_priority": vm.ha_restart_priority,
        "order": str(vm.order),
        "start_delay": str(vm.start_delay),
    }


def _memory(vm: VM) -> dict[str, str]:
    return {
        "memory_overhead": str(vm.memory_overhead_bytes),
        "memory_target": str(vm.memory.dynamic_max_bytes),
        "memory_static_min": str(vm.memory.static_min_bytes),
        "memory_static_max": str(vm.memory.static_max_bytes),
        "memory_dynamic_min": str(vm.memory.dynamic_min_bytes),
        "memory_dynamic_max": str(vm.memory.dynamic_max_bytes),
    }


def _belongings(vm: VM) -> dict[str, list[str]]:
    return {
        "VBDs": refs(each.uuid for each in vm.vbds),
        "VIFs": refs(each.uuid for each in vm.vifs),
        "VGPUs": refs(each.uuid for each in vm.vgpus),
        "VUSBs": refs(vm.vusbs),
    }


def _metrics(tables: RecordTables, vm: VM) -> dict[str, str]:
    """The fields that name what was measured of a VM, with the records behind them; none for what nobody measured."""
    found: dict[str, str] = {}
    if (metrics := vm.metrics) is not None:
        found["metrics"] = tables.add(
            "VM_metrics",
            f"{vm.uuid}-metrics",
            memory_actual=str(metrics.memory_actual_bytes),
            VCPUs_number=str(metrics.vcpus_number),
            nomigrate=bool(metrics.nomigrate),
            nested_virt=bool(metrics.nested_virt),
            current_domain_type=str(metrics.current_domain_type or "unspecified"),
            **({"start_time": metrics.start_time} if metrics.start_time else {}),
        )
    if (guest := vm.guest_metrics) is not None:
        found["guest_metrics"] = tables.add(
            "VM_guest_metrics",
            f"{vm.uuid}-guest-metrics",
            PV_drivers_version=dict(guest.pv_drivers_version),
            PV_drivers_detected=bool(guest.pv_drivers_detected),
            other=dict(guest.other),
            os_version=dict(guest.os_version),
            networks=dict(guest.networks),
        )
    return found


def _drives(tables: RecordTables, vm: VM) -> None:
    for number, drive in enumerate(vm.vbds):
        tables.add(
            "VBD",
            drive.uuid,
            VM=ref(vm.uuid),
            VDI=ref(drive.vdi),
            type=str(drive.type),
            mode="RO" if drive.type == "CD" else "RW",
            device=drive.device,
            userdevice=str(number),
            empty=drive.empty,
            currently_attached=drive.currently_attached,
        )


def _interfaces(tables: RecordTables, vm: VM) -> None:
    tables.name("PCI", [vif.reserved_pci for vif in vm.vifs])
    for vif in vm.vifs:
        tables.add(
            "VIF",
            vif.uuid,
            VM=ref(vm.uuid),
            network=ref(vif.network),
            device=vif.device,
            MAC=vif.mac,
            currently_attached=vif.currently_attached,
            reserved_pci=ref(vif.reserved_pci),
        )


def _virtual_gpu(tables: RecordTables, vm: VM, card: VGPU) -> None:
    tables.name("PCI", [card.pci])
    tables.group_of_gpus(card.gpu_group, card.gpu_types)
    tables.add(
        "VGPU",
        card.uuid,
        VM=ref(vm.uuid),
        type=ref(card.type),
        GPU_group=ref(card.gpu_group),
        resident_on=ref(card.resident_on),
        scheduled_to_be_resident_on=ref(card.scheduled_to_be_resident_on),
        PCI=ref(card.pci),
        currently_attached=card.resident_on is not None,
    )


def _usb(tables: RecordTables, vm: VM) -> None:
    """Write virtual USB devices, each with the host's device behind it."""
    hosts: list[Any] = [*vm.usb_hosts, *[None] * len(vm.vusbs)]
    for vusb, host in zip(vm.vusbs, hosts, strict=False):
        device = tables.add("PUSB", f"{vusb}-device", host=ref(host))
        group = tables.add("USB_group", f"{vusb}-group", PUSBs=[device])
        tables.add("VUSB", vusb, VM=ref(vm.uuid), USB_group=group)
