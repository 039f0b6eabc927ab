"""The guests of a generated pool: VMs with their disks, networks and metrics, templates and snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rebalancer.simulator.generate.builder import GIB, MADE, MIB, Builder
from rebalancer.simulator.generate.fabric import HVM_FEATURES, Fabric

# Memory in GiB, vCPUs, disk in GiB, share of VMs: what a mid-size company runs.
SIZES = (
    (1, 1, 10, 6),
    (2, 1, 20, 18),
    (4, 2, 40, 28),
    (8, 4, 60, 24),
    (16, 4, 100, 14),
    (32, 8, 200, 7),
    (64, 16, 500, 2),
)
ROLES = ("web", "app", "db", "batch", "mail", "file", "build", "cache", "vdi", "mon")
RUNNING_OPERATIONS = [
    "metadata_export", "changing_VCPUs_live", "changing_dynamic_range", "migrate_send", "pool_migrate", "suspend",
    "hard_reboot", "hard_shutdown", "clean_reboot", "clean_shutdown", "pause", "checkpoint", "snapshot",
]  # fmt: skip
HALTED_OPERATIONS = ["start", "start_on", "clone", "copy", "snapshot", "destroy", "export", "changing_static_range"]
TEMPLATES = (
    "AlmaLinux 9", "Debian Bookworm 12", "Other install media", "Rocky Linux 9", "Ubuntu Jammy Jellyfish 22.04",
    "Windows 10 (64-bit)", "Windows Server 2019 (64-bit)", "Windows Server 2022 (64-bit)",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What one guest takes.

    Args:
        memory_bytes: static, dynamic and actual memory alike.
        vcpus: virtual CPUs.
        disk_bytes: its first disk.
    """

    memory_bytes: int
    vcpus: int
    disk_bytes: int


def draw_sizes(builder: Builder, count: int, largest_gib: int) -> list[Size]:
    """Draw the sizes of `count` guests, in the shares of SIZES, none with more memory than `largest_gib`."""
    offered = [row for row in SIZES if row[0] <= largest_gib]
    weights = [row[3] for row in offered]
    return [
        Size(memory_bytes=memory * GIB, vcpus=vcpus, disk_bytes=disk * GIB)
        for memory, vcpus, disk, _ in builder.random.choices(offered, weights, k=count)
    ]


def overhead(size: Size) -> int:
    """Bytes that Xen needs for an HVM guest besides its memory (XAPI.md 2.1, xapi 26.3 and newer)."""
    mib = -(-size.memory_bytes // MIB)
    shadow = max(1, -(-(256 * size.vcpus + 2 * mib) // 256))
    return (2 + shadow + -(-38 * size.vcpus // 256)) * MIB


def running_guest(builder: Builder, fabric: Fabric, number: int, size: Size, host: str, *, local: bool) -> str:
    """Add a running guest with tools, a disk on shared or *local* storage, an empty CD drive and one network card."""
    vm = _guest(builder, number, size)
    record = builder.get("VM", vm)
    flags = {"vendor": "GenuineIntel", "features": HVM_FEATURES}
    record.update(
        power_state="Running",
        resident_on=host,
        domid=str(number + 1),
        last_boot_CPU_flags=flags,
        metrics=_metrics(builder, size, started=f"202610{1 + number % 28:02d}T06:00:00Z"),
        guest_metrics=_tools(builder, number),
        allowed_operations=list(RUNNING_OPERATIONS),
    )
    storage = fabric.local[fabric.hosts.index(host)] if local else _shared(fabric, number)
    _furnish(builder, fabric, vm, number, size, storage=storage, attached=True)
    return vm


def halted_guest(builder: Builder, fabric: Fabric, number: int, size: Size) -> str:
    """Add a guest that is switched off."""
    vm = _guest(builder, number, size)
    builder.get("VM", vm).update(
        allowed_operations=list(HALTED_OPERATIONS), metrics=_metrics(builder, size, started=MADE)
    )
    _furnish(builder, fabric, vm, number, size, storage=_shared(fabric, number), attached=False)
    return vm


def template(builder: Builder, name: str) -> str:
    """Add one of the templates that every installation carries."""
    vm = _guest(builder, 0, Size(memory_bytes=2 * GIB, vcpus=1, disk_bytes=0))
    builder.get("VM", vm).update(name_label=name, is_a_template=True, is_default_template=True)
    return vm


def snapshot(builder: Builder, vm: str) -> str:
    """Add a snapshot of a guest: a template to XAPI, with a disk of its own."""
    original = builder.get("VM", vm)
    fields = {name: value for name, value in original.items() if name.startswith(("memory", "VCPUs", "HVM", "domain"))}
    copy = builder.add(
        "VM",
        **fields,
        name_label=f"{original['name_label']} before update",
        power_state="Halted",
        is_a_template=True,
        is_a_snapshot=True,
        snapshot_of=vm,
        snapshot_time="20261102T22:00:00Z",
        hardware_platform_version=original["hardware_platform_version"],
    )
    for vbd in [v for v in builder.records["VBD"].values() if v["VM"] == vm and v["type"] == "Disk"]:
        source = builder.get("VDI", vbd["VDI"])
        disk = add_disk(builder, source["SR"], f"{source['name_label']} (snapshot)", int(source["virtual_size"]))
        builder.get("VDI", disk).update(is_a_snapshot=True, snapshot_of=vbd["VDI"], snapshot_time="20261102T22:00:00Z")
        add_drive(builder, copy, disk, device=vbd["userdevice"], attached=False)
    return copy


def add_disk(builder: Builder, storage: str, name: str, size_bytes: int, **fields: Any) -> str:  # noqa: ANN401
    """Add a disk to an SR and charge it there; return its ref."""
    used = size_bytes // 2
    sr = builder.get("SR", storage)
    sr["physical_utilisation"] = str(int(sr["physical_utilisation"]) + used)
    sr["virtual_allocation"] = str(int(sr["virtual_allocation"]) + size_bytes)
    location = builder.uuid()
    common = {"type": "user", "on_boot": "persist", "managed": True, "location": location}
    sizes = {"virtual_size": str(size_bytes), "physical_utilisation": str(used)}
    return builder.add("VDI", SR=storage, name_label=name, **{**common, **sizes, **fields})


def add_drive(builder: Builder, vm: str, disk: str, *, device: str, attached: bool, **fields: Any) -> str:  # noqa: ANN401
    """Put a disk into a drive of a VM; return the drive's ref."""
    plain = {"type": "Disk", "mode": "RW", "bootable": device == "0", "device": f"xvd{chr(97 + int(device))}"}
    return builder.add(
        "VBD", VM=vm, VDI=disk, userdevice=device, currently_attached=attached, unpluggable=True, **{**plain, **fields}
    )


def _guest(builder: Builder, number: int, size: Size) -> str:
    memory = ["memory_dynamic_min", "memory_dynamic_max", "memory_static_max", "memory_target"]
    return builder.add(
        "VM",
        name_label=f"{ROLES[number % len(ROLES)]}-{number:03d}",
        power_state="Halted",
        domid="-1",
        domain_type="hvm",
        VCPUs_max=str(size.vcpus),
        VCPUs_at_startup=str(size.vcpus),
        memory_static_min=str(512 * MIB),
        **dict.fromkeys(memory, str(size.memory_bytes)),
        memory_overhead=str(overhead(size)),
        HVM_shadow_multiplier=1.0,
        HVM_boot_policy="BIOS order",
        HVM_boot_params={"order": "cdn"},
        platform={"acpi": "1", "apic": "true", "pae": "true", "nx": "true", "viridian": "true", "vga": "std"},
        actions_after_shutdown="destroy",
        actions_after_reboot="restart",
        actions_after_crash="restart",
        actions_after_softreboot="soft_reboot",
        hardware_platform_version="2",
    )


def _metrics(builder: Builder, size: Size, *, started: str) -> str:
    return builder.add(
        "VM_metrics",
        memory_actual=str(size.memory_bytes),
        VCPUs_number=str(size.vcpus),
        current_domain_type="hvm",
        hvm=True,
        start_time=started,
        install_time="20260301T08:00:00Z",
        last_updated=MADE,
    )


def _tools(builder: Builder, number: int) -> str:
    return builder.add(
        "VM_guest_metrics",
        PV_drivers_version={"major": "8", "minor": "4", "micro": "0", "build": "1"},
        PV_drivers_detected=True,
        PV_drivers_up_to_date=True,
        live=True,
        os_version={"distro": "debian", "name": "Debian GNU/Linux 12", "major": "12", "uname": "6.1.0-26-amd64"},
        other={"feature-suspend": "1", "feature-balloon": "1", "feature-reboot": "1", "feature-poweroff": "1"},
        networks={"0/ip": f"10.20.{number // 250}.{1 + number % 250}"},
        can_use_hotplug_vbd="yes",
        can_use_hotplug_vif="yes",
        last_updated=MADE,
    )


def _shared(fabric: Fabric, number: int) -> str:
    return fabric.shared[number % len(fabric.shared)]


def _furnish(
    builder: Builder, fabric: Fabric, vm: str, number: int, size: Size, *, storage: str, attached: bool
) -> None:
    name = builder.get("VM", vm)["name_label"]
    disk = add_disk(builder, storage, f"{name} disk 0", size.disk_bytes)
    add_drive(builder, vm, disk, device="0", attached=attached)
    builder.add("VBD", VM=vm, type="CD", mode="RO", empty=True, userdevice="3", device="xvdd", unpluggable=True)
    builder.add(
        "VIF",
        VM=vm,
        network=fabric.networks[number % len(fabric.networks)],
        device="0",
        MAC=f"02:16:3e:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}",
        MTU="1500",
        currently_attached=attached,
        locking_mode="network_default",
        ipv4_configuration_mode="None",
        ipv6_configuration_mode="None",
    )


def place(builder: Builder, sizes: Sequence[Size], hosts: Sequence[str], room_bytes: int) -> list[str]:
    """Choose a host for each guest: one of the three with most room, so that hosts fill evenly but not equally.

    Args:
        builder: source of chance.
        sizes: the guests, in order.
        hosts: refs.
        room_bytes: memory for guests on each host.
    """
    left = dict.fromkeys(hosts, room_bytes)
    chosen: dict[int, str] = {}
    for index in sorted(range(len(sizes)), key=lambda i: (-sizes[i].memory_bytes, i)):
        host = builder.random.choice(sorted(hosts, key=lambda h: (-left[h], h))[:3])
        left[host] -= sizes[index].memory_bytes + overhead(sizes[index])
        chosen[index] = host
    return [chosen[index] for index in range(len(sizes))]
