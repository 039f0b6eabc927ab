"""The guests of a generated pool: VMs with their disks, networks and metrics, templates and snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rebalancer.simulator.generate.builder import GIB, MADE, MIB, Builder
from rebalancer.simulator.generate.fabric import HVM_FEATURES, MEMORY, Fabric

# Memory in GiB, vCPUs, disk in GiB, share of VMs: what a mid-size company runs.
SIZES = (
    (1, 1, 10, 6), (2, 1, 20, 18), (4, 2, 40, 28), (8, 4, 60, 24), (16, 4, 100, 14), (32, 8, 200, 7), (64, 16, 500, 2),
)  # fmt: skip
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


# What all guests have alike.
GUEST: dict[str, Any] = {
    "power_state": "Halted", "domid": "-1", "domain_type": "hvm", "memory_static_min": str(512 * MIB),
    "HVM_shadow_multiplier": 1.0, "HVM_boot_policy": "BIOS order", "HVM_boot_params": {"order": "cdn"},
    "platform": {"acpi": "1", "apic": "true", "pae": "true", "nx": "true", "viridian": "true", "vga": "std"},
    "actions_after_shutdown": "destroy", "actions_after_reboot": "restart", "actions_after_crash": "restart",
    "actions_after_softreboot": "soft_reboot", "hardware_platform_version": "2",
}  # fmt: skip
METRICS: dict[str, Any] = {
    "current_domain_type": "hvm", "hvm": True, "install_time": "20260301T08:00:00Z", "last_updated": MADE,
}  # fmt: skip
TOOLS: dict[str, Any] = {
    "PV_drivers_version": {"major": "8", "minor": "4", "micro": "0", "build": "1"}, "PV_drivers_detected": True,
    "PV_drivers_up_to_date": True, "live": True, "can_use_hotplug_vbd": "yes", "can_use_hotplug_vif": "yes",
    "os_version": {"distro": "debian", "name": "Debian GNU/Linux 12", "major": "12", "uname": "6.1.0-26-amd64"},
    "other": {"feature-suspend": "1", "feature-balloon": "1", "feature-reboot": "1", "feature-poweroff": "1"},
    "last_updated": MADE,
}  # fmt: skip
CARD: dict[str, Any] = {
    "device": "0", "MTU": "1500", "locking_mode": "network_default", "ipv4_configuration_mode": "None",
    "ipv6_configuration_mode": "None",
}  # fmt: skip
BEFORE_UPDATE = "20261102T22:00:00Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What one guest takes: its memory, static, dynamic and actual alike, and its first disk."""

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
    address = f"10.20.{number // 250}.{1 + number % 250}"
    builder.get("VM", vm).update(
        power_state="Running",
        resident_on=host,
        domid=str(number + 1),
        last_boot_CPU_flags={"vendor": "GenuineIntel", "features": HVM_FEATURES},
        metrics=_metrics(builder, size, started=f"202610{1 + number % 28:02d}T06:00:00Z"),
        guest_metrics=builder.add("VM_guest_metrics", **TOOLS, networks={"0/ip": address}),
        allowed_operations=list(RUNNING_OPERATIONS),
    )
    _furnish(builder, fabric, vm, number, size, storage=fabric.local[fabric.hosts.index(host)] if local else None)
    return vm


def halted_guest(builder: Builder, fabric: Fabric, number: int, size: Size) -> None:
    """Add a guest that is switched off."""
    vm = _guest(builder, number, size)
    metrics = _metrics(builder, size, started=MADE)
    builder.get("VM", vm).update(allowed_operations=list(HALTED_OPERATIONS), metrics=metrics)
    _furnish(builder, fabric, vm, number, size)


def template(builder: Builder, name: str) -> None:
    """Add one of the templates that every installation carries."""
    vm = _guest(builder, 0, Size(memory_bytes=2 * GIB, vcpus=1, disk_bytes=0))
    builder.get("VM", vm).update(name_label=name, is_a_template=True, is_default_template=True)


def snapshot(builder: Builder, vm: str) -> None:
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
        snapshot_time=BEFORE_UPDATE,
        hardware_platform_version=original["hardware_platform_version"],
    )
    for vbd in [v for v in builder.records["VBD"].values() if v["VM"] == vm and v["type"] == "Disk"]:
        source = builder.get("VDI", vbd["VDI"])
        disk = add_disk(builder, source["SR"], f"{source['name_label']} (snapshot)", int(source["virtual_size"]))
        builder.get("VDI", disk).update(is_a_snapshot=True, snapshot_of=vbd["VDI"], snapshot_time=BEFORE_UPDATE)
        add_drive(builder, copy, disk, device=vbd["userdevice"], attached=False)


def add_disk(builder: Builder, storage: str, name: str, size_bytes: int, **fields: Any) -> str:  # noqa: ANN401
    """Add a disk to an SR and charge it there; return its ref."""
    used = size_bytes // 2
    sr = builder.get("SR", storage)
    sr["physical_utilisation"] = str(int(sr["physical_utilisation"]) + used)
    sr["virtual_allocation"] = str(int(sr["virtual_allocation"]) + size_bytes)
    common = {"type": "user", "on_boot": "persist", "managed": True, "location": builder.uuid()}
    sizes = {"virtual_size": str(size_bytes), "physical_utilisation": str(used)}
    return builder.add("VDI", SR=storage, name_label=name, **common, **sizes, **fields)


def add_drive(builder: Builder, vm: str, disk: str, *, device: str, attached: bool = True) -> None:
    """Put a disk into a drive of a VM."""
    place = {"userdevice": device, "device": f"xvd{chr(97 + int(device))}", "bootable": device == "0"}
    plain = {"type": "Disk", "mode": "RW", "unpluggable": True}
    builder.add("VBD", VM=vm, VDI=disk, currently_attached=attached, **place, **plain)


def _guest(builder: Builder, number: int, size: Size) -> str:
    return builder.add(
        "VM",
        **GUEST,
        **dict.fromkeys(MEMORY[1:], str(size.memory_bytes)),
        **dict.fromkeys(["VCPUs_max", "VCPUs_at_startup"], str(size.vcpus)),
        name_label=f"{ROLES[number % len(ROLES)]}-{number:03d}",
        memory_overhead=str(overhead(size)),
    )


def _metrics(builder: Builder, size: Size, *, started: str) -> str:
    taken = {"memory_actual": str(size.memory_bytes), "VCPUs_number": str(size.vcpus)}
    return builder.add("VM_metrics", **METRICS, **taken, start_time=started)


def _furnish(builder: Builder, fabric: Fabric, vm: str, number: int, size: Size, *, storage: str | None = None) -> None:
    """Give a guest its devices, plugged in if it runs; its disk is on a shared SR unless on this one."""
    record = builder.get("VM", vm)
    network, shared = (refs[number % len(refs)] for refs in (fabric.networks, fabric.shared))
    attached = record["power_state"] == "Running"
    disk = add_disk(builder, storage or shared, f"{record['name_label']} disk 0", size.disk_bytes)
    add_drive(builder, vm, disk, device="0", attached=attached)
    builder.add("VBD", VM=vm, type="CD", mode="RO", empty=True, userdevice="3", device="xvdd", unpluggable=True)
    mac = f"02:16:3e:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
    builder.add("VIF", VM=vm, network=network, MAC=mac, currently_attached=attached, **CARD)


def place(builder: Builder, sizes: Sequence[Size], hosts: Sequence[str], room_bytes: int) -> list[str]:
    """Choose a host for each guest: one of the three with most room, so that hosts fill evenly but not equally."""
    left, chosen = dict.fromkeys(hosts, room_bytes), dict[int, str]()
    for index in sorted(range(len(sizes)), key=lambda i: (-sizes[i].memory_bytes, i)):
        host = builder.random.choice(sorted(hosts, key=lambda h: (-left[h], h))[:3])
        left[host] -= sizes[index].memory_bytes + overhead(sizes[index])
        chosen[index] = host
    return [chosen[index] for index in range(len(sizes))]
