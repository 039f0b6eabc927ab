"""What holds some guests where they are, or ties them to each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rebalancer.simulator.generate.builder import GIB, Builder
from rebalancer.simulator.generate.fabric import Fabric
from rebalancer.simulator.generate.guests import add_disk, add_drive
from rebalancer.simulator.state.schema import NULL

Trait = Callable[[Builder, Fabric, str], None]


def local_disk(builder: Builder, fabric: Fabric, vm: str) -> None:
    """A second disk on the local storage of its host."""
    guest = builder.get("VM", vm)
    storage = fabric.local[fabric.hosts.index(guest["resident_on"])]
    add_drive(builder, vm, add_disk(builder, storage, f"{guest['name_label']} scratch", 50 * GIB), device="1")


def inserted_disc(builder: Builder, fabric: Fabric, vm: str) -> None:
    """A disc in the drive of its host, mounted."""
    storage = fabric.dvd[fabric.hosts.index(builder.get("VM", vm)["resident_on"])]
    _insert(builder, vm, add_disk(builder, storage, "SCSI 0:0:0:0", 4 * GIB, read_only=True))


def inserted_iso(builder: Builder, fabric: Fabric, vm: str) -> None:
    """An ISO of the shared library, mounted: no hindrance."""
    _insert(builder, vm, add_disk(builder, fabric.iso, "debian-12.iso", GIB, read_only=True))


def pci_device(builder: Builder, fabric: Fabric, vm: str) -> None:
    """A PCI device passed through."""
    del fabric
    guest = builder.get("VM", vm)
    device = builder.add("PCI", host=guest["resident_on"], class_name="Serial controller", pci_id="0000:3b:00.0")
    guest["attached_PCIs"].append(device)


def blocked(builder: Builder, fabric: Fabric, vm: str) -> None:
    """A migration blocked by its owner."""
    del fabric
    reason = "licence is bound to the host"
    builder.get("VM", vm)["blocked_operations"].update(pool_migrate=reason, migrate_send=reason)


def without_tools(builder: Builder, fabric: Fabric, vm: str) -> None:
    """No guest tools at all."""
    del fabric
    guest = builder.get("VM", vm)
    del builder.records["VM_guest_metrics"][guest["guest_metrics"]]
    guest["guest_metrics"] = NULL


def nested(builder: Builder, fabric: Fabric, vm: str) -> None:
    """A running nested hypervisor."""
    del fabric
    builder.get("VM", vm)["platform"]["nested-virt"] = "true"
    builder.get("VM_metrics", builder.get("VM", vm)["metrics"])["nested_virt"] = True


# Every guest that may not move gets one of these, in turn.
PINNING: tuple[Trait, ...] = (local_disk, blocked, without_tools, inserted_disc, pci_device, nested)


def _insert(builder: Builder, vm: str, disc: str) -> None:
    drive = next(v for v in builder.records["VBD"].values() if v["VM"] == vm and v["type"] == "CD")
    drive.update(VDI=disc, empty=False, currently_attached=True)


def keep_apart(builder: Builder, name: str, vms: Sequence[str]) -> None:
    """Put VMs into one anti-affinity group."""
    group = builder.add("VM_group", name_label=name, placement="anti_affinity", VMs=list(vms))
    for vm in vms:
        builder.get("VM", vm)["groups"] = [group]


def tag(builder: Builder, label: str, vms: Sequence[str]) -> None:
    """Give VMs a tag."""
    for vm in vms:
        builder.get("VM", vm)["tags"].append(label)
