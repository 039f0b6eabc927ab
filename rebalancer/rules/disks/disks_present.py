"""Disks are where the database has them, and nobody else is at work on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rebalancer.inventory import VDI, VM, Host, VBDType
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import DiskRule, DiskTargets, Objection, Origin, VMRule
from rebalancer.rules.facts.disk_maps import following, moving

FIND_DISK = "find out where the disk is, then scan the SR; do not shut the VM down"


class DisksPresent(VMRule):
    """The VM may run on, with its disk open; the target would not find it. No dry run of XAPI asks."""

    id = "disks-present"
    sentence = "No disk of the VM, and no image in its CD drives, is missing from its SR."
    source = "VDI.missing, which SM sets when it scans an SR; sm_exec.ml: VDIMissing"
    origin = Origin.XAPI
    code = "VDI_MISSING"

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A disk or image that the last scan did not find."""
        for drive in vm.vbds:
            disk = problem.pool.vdis.get(drive.vdi or "")
            if disk is None or drive.empty or not disk.missing:
                continue
            if drive.type is VBDType.CD:
                words = f"the image '{disk.name}' in drive {drive.device} is missing from its SR"
                return self.objection(words, remedy=f"eject the CD from drive {drive.device}")
            words = f"its disk '{disk.name}' is missing from SR '{problem.names.srs.get(disk.sr, 'unknown')}'"
            return self.objection(words, remedy=FIND_DISK, disruption=Disruption.POOL)
        return None

    def mended(self, vm: VM, host: Host, problem: Problem) -> VM | None:
        """The VM without the images that are missing; None where a disk is."""
        vdis = problem.pool.vdis
        lost = [each for each in vm.vbds if not each.empty and (disk := vdis.get(each.vdi or "")) and disk.missing]
        if any(drive.type is not VBDType.CD for drive in lost):
            return None
        return replace(
            vm, vbds=tuple(replace(each, empty=True, vdi=None) if each in lost else each for each in vm.vbds)
        )


class SnapshotsPresent(DiskRule):
    """What XAPI would send along with the VM's disks."""

    id = "snapshots-present"
    sentence = "No disk of the VM's snapshots that follows to another SR is missing from its own."
    source = "VDI.missing; xapi_vm_migrate.ml: migrate_send', extra_vdi_map"
    origin = Origin.XAPI
    code = "VDI_MISSING"

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """One that the last scan did not find."""
        found = (each for each in following(vm, host, disks, problem) if each.disk.missing)
        first = next(found, None)
        if first is None:
            return None
        words = f"{first.words} is missing from its SR"
        return self.objection(words, remedy="delete the snapshot", disruption=Disruption.POLICY)


class DiskNotBusy(DiskRule):
    """XAPI deletes the original when all is over, and fails then: the VM has moved, and its old disk stays."""

    id = "disk-not-busy"
    sentence = "No operation is under way on a disk that changes its SR, nor on one of a snapshot."
    source = "xapi_vm_migrate.ml: vdi_copy_fun, post_mirror; xapi_vdi.ml: check_operation_error"
    origin = Origin.XAPI
    code = "OTHER_OPERATION_IN_PROGRESS"

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """A disk on which something is being done."""
        for disk, words in _all(vm, host, disks, problem):
            if disk.current_operations:
                busy = ", ".join(disk.current_operations)
                said = f"{words} is busy: {busy}"
                return self.objection(said, remedy="wait until it ends", disruption=Disruption.WAIT)
        return None


class SourceSRAttached(DiskRule):
    """The VM's host sends the copies; a drive that is not plugged may have a disk that it does not see."""

    id = "source-sr-attached"
    sentence = "Every disk that changes its SR, or follows one, is on an SR that is attached to the VM's host."
    source = "xapi_vm_migrate.ml: migrate_send', suspends_vdis; storage_migrate.ml: start"
    origin = Origin.XAPI

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """A disk that the VM's host does not see."""
        here = problem.pool.hosts.get(vm.resident_on or "")
        for disk, words in _all(vm, host, disks, problem):
            if here is not None and disk.sr not in here.attached_srs:
                on = f"{words} is on SR '{problem.names.srs.get(disk.sr, 'unknown')}'"
                remedy = "attach the SR to its host" if disk.sr in problem.pool.srs else ""
                said = f"{on}, which its own host does not have attached"
                return self.objection(said, remedy=remedy, disruption=Disruption.POOL)
        return None


def _all(vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Iterator[tuple[VDI, str]]:
    """Everything that changes its SR, each with words for it."""
    for disk, _ in moving(disks, problem):
        yield disk, f"its disk '{disk.name}'"
    for each in following(vm, host, disks, problem):
        yield each.disk, each.words
