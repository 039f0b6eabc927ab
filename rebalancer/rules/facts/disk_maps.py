"""Which disks of a VM move, and where to: the `vdi_map` of `VM.migrate_send`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rebalancer.inventory import DANGLING, SR, VDI, VM, Host, Pool, Uuid, VBDType
from rebalancer.placement import DiskMove, disks_of
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import DiskTargets


def own_disks(vm: VM, problem: Problem) -> tuple[VDI | None, ...]:
    """The disks that have to be mapped: all but CDs and empty drives; None for one that is not in the database."""
    drives = (drive for drive in vm.vbds if not drive.empty and drive.type is not VBDType.CD)
    return tuple(problem.pool.vdis.get(drive.vdi or DANGLING) for drive in drives)


def whole_map(vm: VM, host: Host, disks: Iterable[DiskMove], pool: Pool) -> dict[Uuid, Uuid]:
    """The `vdi_map` of `VM.migrate_send`: every disk of *vm* with its SR, which is its own but for *disks*.

    A CD that *host* sees is in it with its own SR, because XAPI ejects those that are not.
    """
    new = {disk.drive: disk.target for disk in disks}
    whole = {disk.uuid: new.get(drive.uuid, disk.sr) for drive, disk in disks_of(vm, pool)}
    images = (pool.vdis.get(drive.vdi or DANGLING) for drive in vm.vbds if drive.type is VBDType.CD and not drive.empty)
    return whole | {image.uuid: image.sr for image in images if image and image.sr in host.attached_srs}


def unseen_cds(vm: VM, host: Host, pool: Pool) -> Iterator[tuple[str, str]]:
    """Drive and name of every CD of *vm* that *host* does not see: XAPI ejects them when the VM takes disks along."""
    for drive in vm.vbds:
        if drive.type is VBDType.CD and not drive.empty:
            image = pool.vdis.get(drive.vdi or DANGLING)
            if image is None or image.sr not in host.attached_srs:
                yield drive.device, image.name if image else "unknown"


def moving(disks: DiskTargets, problem: Problem) -> Iterator[tuple[VDI, SR | None]]:
    """The disks that change their SR, with the new one; None for an SR that is not in the database."""
    for uuid, target in disks.items():
        disk = problem.pool.vdis.get(uuid)
        if disk is not None and disk.sr != target:
            yield disk, problem.pool.srs.get(target)
