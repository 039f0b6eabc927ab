"""VMs that are to start: a copy of one, one of a size, or one that is halted; with disks and load."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import NAMESPACE_OID, uuid5

import numpy as np
from numpy.typing import NDArray

from rebalancer.demand import LoadProfile
from rebalancer.demand.flows import Flow
from rebalancer.demand.vcpus import vcpu_limit
from rebalancer.errors import InputError
from rebalancer.inventory import (
    VBD,
    VDI,
    VIF,
    VM,
    DomainType,
    MemoryRange,
    Pool,
    PowerState,
    Uuid,
    VBDType,
    VMMetrics,
)
from rebalancer.placement import disks_of
from rebalancer.policy.selectors import Selectors
from rebalancer.rules.facts.domain import configured_domain_type
from rebalancer.rules.facts.memory_model import arrival_overhead, counts_xen_vcpu_pages
from rebalancer.units import GIB, MIB, demand_mib
from rebalancer.whatif.newcomers.shape import Shape

Kind = Shape | VM
"""What a newcomer is like: a size, or a VM; one that is halted is that VM itself."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Newcomer:
    """A VM as it is once it runs, wherever that will be.

    Args:
        vm: the VM, on no host yet.
        disks: the disks that are made for it.
        like: the VM whose load and groups it has, or the size whose load; None where nobody has measured it: then it
            counts with as many pCPUs as it has vCPUs.
    """

    vm: VM
    disks: tuple[VDI, ...]
    like: Kind | None

    def load_in(self, profile: LoadProfile) -> NDArray[np.float64]:
        """pCPUs in every slot, shape (slots,)."""
        if isinstance(self.like, Shape):
            return self.like.load_in(profile)
        if self.like is not None and self.like.uuid in profile.vms:
            row: NDArray[np.float64] = profile.vm_pcpu[profile.vms.index(self.like.uuid)]
            return row
        return np.full(profile.slots, float(vcpu_limit(self.vm)))

    def row_in(self, profile: LoadProfile) -> int | None:
        """The row of the VM that it is like, where that was measured."""
        known = isinstance(self.like, VM) and self.like.uuid in profile.vms
        return profile.vms.index(self.like.uuid) if known and isinstance(self.like, VM) else None

    def flows_in(self, profile: LoadProfile) -> tuple[Flow, ...]:
        """What the VM that it is like sends, reads and writes."""
        like = self.like.uuid if isinstance(self.like, VM) else None
        found = (flow for flow in profile.flows if flow.key.owner == like)
        return tuple(replace(flow, key=replace(flow.key, owner=self.vm.uuid)) for flow in found)


def newcomers(kind: Kind, count: int, pool: Pool, *, first: int = 1) -> tuple[Newcomer, ...]:
    """*count* VMs of a *kind*, numbered from *first* on, as they run in *pool*; one that is halted comes as itself.

    Raises:
        InputError: the kind is no guest, is halted and wanted more than once, or its SR or network is not there.
    """
    if isinstance(kind, VM) and not kind.is_guest:
        raise InputError(f"VM {kind.name!r}", "it is a template, a snapshot or a control domain", "Name another VM")
    if isinstance(kind, VM) and kind.resident_on is None:
        return (_started(kind, pool), *(_copied(kind, number, pool) for number in range(first + 1, first + count)))
    make = _of_shape if isinstance(kind, Shape) else _copied
    return tuple(make(kind, number, pool) for number in range(first, first + count))  # type: ignore[arg-type]


def _started(vm: VM, pool: Pool) -> Newcomer:
    return Newcomer(vm=_running(vm, pool), disks=(), like=vm)


def _copied(vm: VM, number: int, pool: Pool) -> Newcomer:
    """A clone of *vm*: its own disks and interfaces, its groups and tags; no CD, and none of its snapshots."""
    uuid = _uuid(pool, vm.uuid, number)
    disks = {drive.uuid: _disk_like(disk, uuid, drive.device) for drive, disk in disks_of(vm, pool)}
    drives = tuple(
        replace(drive, uuid=_derived(uuid, drive.device), vdi=disks[drive.uuid].uuid)
        for drive in vm.vbds
        if drive.uuid in disks
    )
    new = replace(
        vm,
        uuid=uuid,
        name=f"{vm.name or vm.uuid} #{number}",
        vbds=drives,
        vifs=tuple(replace(vif, uuid=_derived(uuid, f"vif{vif.device}"), mac="") for vif in vm.vifs),
        vgpus=tuple(
            replace(each, uuid=_derived(uuid, f"vgpu{place}"), resident_on=None, scheduled_to_be_resident_on=None)
            for place, each in enumerate(vm.vgpus)
        ),
        snapshots=(),
        snapshot_of=None,
        suspend_vdi=None,
    )
    return Newcomer(vm=_running(new, pool), disks=tuple(disks.values()), like=vm)


def _disk_like(disk: VDI, vm: Uuid, device: str) -> VDI:
    """A full copy, without snapshots."""
    return replace(disk, uuid=_derived(vm, f"disk {device}"), snapshot_of=None, current_operations=())


def _of_shape(shape: Shape, number: int, pool: Pool) -> Newcomer:
    uuid = _uuid(pool, repr(shape), number)
    disks = (_disk(shape, uuid, pool),) if shape.disk_gib else ()
    vm = replace(
        _machine(shape, uuid, number),
        vbds=tuple(_drive(uuid, disk) for disk in disks),
        vifs=tuple(_interface(uuid, device, _network(name, pool)) for device, name in enumerate(shape.networks)),
    )
    return Newcomer(vm=_running(vm, pool), disks=disks, like=shape)


def _machine(shape: Shape, uuid: Uuid, number: int) -> VM:
    """A halted VM of the size, with nothing plugged in."""
    size = demand_mib(int(shape.memory_gib * GIB)) * MIB
    return VM(
        uuid=uuid,
        name=f"{shape.name} #{number}",
        memory=MemoryRange(
            static_min_bytes=size, dynamic_min_bytes=size, dynamic_max_bytes=size, static_max_bytes=size
        ),
        vcpus_max=shape.vcpus,
        vcpus_at_startup=shape.vcpus,
        tags=shape.tags,
        **PLAIN,
    )


PLAIN: Final[dict[str, Any]] = {
    "power_state": PowerState.HALTED,
    "is_a_template": False,
    "is_default_template": False,
    "is_a_snapshot": False,
    "is_control_domain": False,
    "resident_on": None,
    "scheduled_to_be_resident_on": None,
    "affinity": None,
    "memory_overhead_bytes": 0,
    "vcpus_params": {},
    "hvm_shadow_multiplier": 1.0,
    "hvm_boot_policy": "BIOS order",
    "domain_type": DomainType.HVM,
    "platform": {},
    "other_config": {},
    "blocked_operations": {},
    "current_operations": (),
    "hardware_platform_version": 0,
    "last_boot_cpu_flags": {},
    "ha_always_run": False,
    "ha_restart_priority": "",
    "actions_after_crash": "restart",
    "groups": (),
    "vbds": (),
    "vifs": (),
    "vgpus": (),
    "vusbs": (),
    "vtpms": (),
    "attached_pcis": (),
    "snapshots": (),
    "suspend_vdi": None,
}
"""What all VMs by size have in common: nothing special."""


def _drive(vm: Uuid, disk: VDI) -> VBD:
    return VBD(
        uuid=_derived(vm, "xvda"),
        type=VBDType.DISK,
        device="xvda",
        empty=False,
        currently_attached=True,
        vdi=disk.uuid,
    )


def _interface(vm: Uuid, device: int, network: Uuid) -> VIF:
    return VIF(uuid=_derived(vm, f"vif{device}"), device=str(device), mac="", network=network, currently_attached=True)


def _disk(shape: Shape, vm: Uuid, pool: Pool) -> VDI:
    size = int(shape.disk_gib * GIB)
    return VDI(
        uuid=_derived(vm, "disk xvda"),
        name="",
        sr=_sr(shape, pool),
        virtual_size_bytes=size,
        physical_utilisation_bytes=size,
        type="user",
        read_only=False,
        sharable=False,
        on_boot="persist",
        is_a_snapshot=False,
        snapshot_of=None,
        cbt_enabled=False,
        sm_config={},
        current_operations=(),
    )


def _sr(shape: Shape, pool: Pool) -> Uuid:
    if shape.sr is not None:
        found = sorted(Selectors(pool).srs([shape.sr], f"shape {shape.name!r}"))
        if len(found) == 1:
            return found[0]
        raise InputError(f"shape {shape.name!r}", f"{len(found)} SRs are called {shape.sr!r}", "Name one")
    if pool.default_sr is not None and pool.default_sr in pool.srs:
        return pool.default_sr
    raise InputError(f"shape {shape.name!r}", "its disk needs an SR, the pool has no default", "Name one with `sr`")


def _network(name: str, pool: Pool) -> Uuid:
    found = [each.uuid for each in pool.networks.values() if name in (each.uuid, each.name)]
    if len(found) == 1:
        return found[0]
    raise InputError(f"network {name!r}", f"the pool has {len(found)} of this name", "Name one, or its uuid")


def _running(vm: VM, pool: Pool) -> VM:
    """*vm* as xapi has it once it runs; still on no host."""
    overhead = arrival_overhead(vm, xen_vcpu_pages=counts_xen_vcpu_pages(pool))
    return replace(
        vm,
        power_state=PowerState.RUNNING,
        resident_on=None,
        scheduled_to_be_resident_on=None,
        memory_overhead_bytes=overhead,
        current_operations=(),
        ghost_operations=(),
        last_boot_cpu_flags={},
        metrics=VMMetrics(
            memory_actual_bytes=vm.memory.dynamic_max_bytes,
            vcpus_number=vm.vcpus_at_startup,
            nomigrate=False,
            nested_virt=False,
            current_domain_type=configured_domain_type(vm),
        ),
    )


def _uuid(pool: Pool, like: str, number: int) -> Uuid:
    return str(uuid5(NAMESPACE_OID, f"rebalancer newcomer {pool.uuid} {like} {number}"))


def _derived(vm: Uuid, part: str) -> Uuid:
    return str(uuid5(NAMESPACE_OID, f"{vm} {part}"))
