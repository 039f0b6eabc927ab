"""Which disks of a VM move, and where to: the `vdi_map` of `VM.migrate_send`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rebalancer.inventory import DANGLING, SR, VDI, VM, Host, Pool, PowerState, Uuid, VBDType
from rebalancer.placement import DiskMove, disks_of
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import DiskTargets
from rebalancer.rules.facts.counterparts import crosses


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


@dataclass(frozen=True, slots=True)
class Follower:
    """A disk of a snapshot that XAPI puts into the map by itself, with its new SR; `words` say what it is.

    The memory of a snapshot has no `target` here: XAPI looks for an SR when the time has come.
    """

    disk: VDI
    words: str
    target: Uuid | None = None


def following(vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Iterator[Follower]:
    """What of the snapshots of *vm* changes its SR, in XAPI's order: memory images, then disks.

    A disk follows the one that it was taken of, else it goes to the default SR of the target's pool. An image travels
    where `memory_that_travels` says so (`xapi_vm_migrate.ml: migrate_send'`).
    """
    for uuid in memory_that_travels(vm, host, problem):
        taken = problem.pool.vms[uuid]
        yield Follower(problem.pool.vdis[taken.suspend_vdi or ""], f"the memory of its snapshot '{taken.name}'")
    default = problem.pool.of_host(host.uuid).default_sr
    for snapshot in problem.pool.snapshots_of(vm):
        for _, disk in disks_of(snapshot, problem.pool):
            target = disks.get(disk.uuid) or disks.get(disk.snapshot_of or DANGLING) or default
            if target is not None and target != disk.sr:
                yield Follower(disk, f"disk '{disk.name}' of its snapshot '{snapshot.name}'", target)


def memory_that_travels(vm: VM, host: Host, problem: Problem) -> tuple[Uuid, ...]:
    """The snapshots of *vm* whose memory is on an SR to which *host* has no connection, plugged or not."""
    suspended = [each for each in problem.pool.snapshots_of(vm) if each.power_state is PowerState.SUSPENDED]
    if not suspended:
        return ()
    images = ((each.uuid, problem.pool.vdis.get(each.suspend_vdi or DANGLING)) for each in suspended)
    known = set() if crosses(vm, host, problem) else {pbd.sr for pbd in host.pbds}
    return tuple(uuid for uuid, image in images if image and image.sr not in known)
