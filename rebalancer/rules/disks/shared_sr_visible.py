"""The target sees every disk of the VM, and what is in its CD drives."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rebalancer.inventory import DANGLING, VBD, VM, Host, Uuid, VBDType
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, PairRule

NO_DISK = "no disk"
"""Stands for the SR of a drive that is not empty and leads to no disk: xapi trips over it."""


@dataclass(frozen=True, slots=True)
class StorageNeed:
    """An SR that a VM needs; `drive` is the device of the CD drive where nothing else needs it, else empty."""

    sr: Uuid
    drive: str


class SharedSRVisible(PairRule[tuple[StorageNeed, ...]]):
    """xapi asks for every drive that is not empty, CD drives included, plugged or not; it does not read SR.shared."""

    id = "shared-sr-visible"
    sentence = "Every SR of the VM's disks, and of the images in its CD drives, is attached to the target host."
    source = "xapi_vm_helpers.ml: assert_can_see_SRs, which_specified_SRs_not_available_on_host"
    origin = Origin.XAPI
    code = "VM_REQUIRES_SR"

    def needs(self, vm: VM, problem: Problem) -> tuple[StorageNeed, ...] | None:
        """The SRs behind the drives, sorted; one that only a CD needs names its drive."""
        found: dict[Uuid, str] = {}
        for drive in vm.vbds:
            if not drive.empty:
                sr = _sr_of(drive, problem)
                found[sr] = drive.device if drive.type is VBDType.CD and found.get(sr, drive.device) else ""
        return tuple(StorageNeed(sr, found[sr]) for sr in sorted(found)) or None

    def objects(self, needs: tuple[StorageNeed, ...], host: Host, problem: Problem) -> Objection | None:
        """An SR without an attached PBD on *host*."""
        missing = [need for need in needs if need.sr not in host.attached_srs]
        if not missing:
            return None
        if any(need.sr == NO_DISK for need in missing):
            return self.objection("a drive is not empty, and leads to no disk", code="HANDLE_INVALID")
        names = ", ".join(f"'{_name(need.sr, problem)}'" for need in missing)
        words = f"needs SR {names}, which the host does not have attached"
        ejects = f"eject the CD from drive {', '.join(need.drive for need in missing if need.drive)}"
        disks = [need.sr for need in missing if not need.drive]
        if not disks:
            return self.objection(words, remedy=ejects)
        unplugged = {pbd.sr for pbd in host.pbds if not pbd.currently_attached}
        if not unplugged.issuperset(disks):
            return self.objection(words)
        listed = ", ".join(f"'{_name(sr, problem)}'" for sr in disks)
        plugs = f"attach SR {listed} to the host"
        remedy = plugs if len(disks) == len(missing) else f"{ejects} and {plugs}"
        return self.objection(words, remedy=remedy, disruption=Disruption.POOL)

    def mended(self, vm: VM, host: Host, problem: Problem) -> VM | None:
        """The VM without the CDs that alone need an SR which *host* lacks; None where a disk needs one."""
        missing = [need for need in self.needs(vm, problem) or () if need.sr not in host.attached_srs]
        if not all(need.drive for need in missing):
            return None
        srs = {need.sr for need in missing}
        empty = {drive.uuid for drive in vm.vbds if not drive.empty and _sr_of(drive, problem) in srs}
        drives = (replace(drive, empty=True, vdi=None) if drive.uuid in empty else drive for drive in vm.vbds)
        return replace(vm, vbds=tuple(drives))


def _sr_of(drive: VBD, problem: Problem) -> Uuid:
    """The SR behind *drive*; a disk that does not exist is on one that no host has."""
    vdi = problem.pool.vdis.get(drive.vdi or DANGLING)
    return vdi.sr if vdi else NO_DISK


def _name(sr: Uuid, problem: Problem) -> str:
    return problem.names.srs.get(sr, "unknown")
