"""Where VMs are: a placement, the moves between two placements, and what is held while a VM is on its way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rebalancer.inventory import VBD, VDI, VM, Pool, Uuid, VBDType


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class DiskMove:
    """A disk that goes from one SR to another, named by the drive (VBD) of its VM.

    A copy is a VDI with a uuid of its own; the drive keeps its uuid, and so names the disk before and after.
    """

    drive: Uuid
    source: Uuid
    target: Uuid


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Migration:
    """A VM that goes from one host to another; `disks` are those that change their SR on the way, sorted by drive.

    Without disks it is a XenMotion, with disks a Storage XenMotion. A `hop` does not end where its VM is to end; it
    changes the same places as a migration that does, and is equal to it.
    """

    vm: Uuid
    source: Uuid
    target: Uuid
    disks: tuple[DiskMove, ...] = ()
    hop: bool = field(default=False, compare=False)

    @property
    def transfers(self) -> tuple[tuple[Uuid, Uuid, Uuid], ...]:
        """What changes its place: the VM between hosts, drives between SRs; each with source and target."""
        return ((self.vm, self.source, self.target), *((each.drive, each.source, each.target) for each in self.disks))

    @property
    def back(self) -> Migration:
        """The move that undoes this one."""
        disks = tuple(DiskMove(drive=each.drive, source=each.target, target=each.source) for each in self.disks)
        return Migration(vm=self.vm, source=self.target, target=self.source, disks=disks)


@dataclass(frozen=True, slots=True)
class Placement:
    """The host of every guest that occupies one: `host_of[vm]`; where disks may travel, their SRs, too.

    `srs_of[vm][drive]` is the SR of the disk in a drive. A VM that is not in it keeps its disks where they are.
    """

    host_of: Mapping[Uuid, Uuid]
    srs_of: Mapping[Uuid, Mapping[Uuid, Uuid]] = field(default_factory=dict)

    def __getitem__(self, vm: Uuid) -> Uuid:
        return self.host_of[vm]

    def __iter__(self) -> Iterator[Uuid]:
        """All VMs, in the order of the mapping."""
        return iter(self.host_of)

    def __len__(self) -> int:
        return len(self.host_of)

    def holders(self) -> Iterator[tuple[Uuid, Uuid]]:
        """Every VM with its host, every drive with its SR."""
        yield from self.host_of.items()
        for srs in self.srs_of.values():
            yield from srs.items()

    def holders_by_place(self) -> dict[Uuid, list[Uuid]]:
        """The VMs on each host and the drives on each SR."""
        found: dict[Uuid, list[Uuid]] = {}
        for holder, place in self.holders():
            found.setdefault(place, []).append(holder)
        return found

    def after(self, *moves: Migration) -> Placement:
        """The placement once *moves* are done.

        Raises:
            ValueError: a move starts where its VM is not, or a disk of it.
        """
        hosts, srs = dict(self.host_of), dict(self.srs_of)
        for move in moves:
            if hosts[move.vm] != move.source:
                raise ValueError(f"VM {move.vm} is on {hosts[move.vm]}, not on {move.source}")
            hosts[move.vm] = move.target
            if move.disks:
                srs[move.vm] = _carried(srs.get(move.vm, {}), move.disks)
        return Placement(hosts, srs)

    def moves_to(self, goal: Placement) -> tuple[Migration, ...]:
        """The moves that turn this placement into *goal*, sorted by VM; one whose host stays keeps its disks."""
        return tuple(
            Migration(vm=vm, source=host, target=goal[vm], disks=self._disks_to(goal, vm))
            for vm, host in sorted(self.host_of.items())
            if goal[vm] != host
        )

    def _disks_to(self, goal: Placement, vm: Uuid) -> tuple[DiskMove, ...]:
        here, there = self.srs_of.get(vm, {}), goal.srs_of.get(vm, {})
        return tuple(
            DiskMove(drive=drive, source=here[drive], target=there[drive])
            for drive in sorted(here.keys() & there.keys())
            if here[drive] != there[drive]
        )

    def vms_by_host(self) -> dict[Uuid, list[Uuid]]:
        """The VMs of every host that has one."""
        found: dict[Uuid, list[Uuid]] = {}
        for vm, host in self.host_of.items():
            found.setdefault(host, []).append(vm)
        return found


def _carried(srs: Mapping[Uuid, Uuid], disks: tuple[DiskMove, ...]) -> dict[Uuid, Uuid]:
    """The SRs behind the drives of one VM once *disks* have moved; each has to start where it is."""
    for disk in disks:
        if srs.get(disk.drive) != disk.source:
            raise ValueError(f"the disk in drive {disk.drive} is on {srs.get(disk.drive)}, not on {disk.source}")
    return {**srs, **{disk.drive: disk.target for disk in disks}}


def disks_of(vm: VM, pool: Pool) -> Iterator[tuple[VBD, VDI]]:
    """The drives of *vm* with a disk in them, and the disk: no CDs, no empty drives, nothing that leads nowhere."""
    for drive in vm.vbds:
        disk = pool.vdis.get(drive.vdi or "")
        if disk is not None and not drive.empty and drive.type is not VBDType.CD:
            yield drive, disk


def current_placement(pool: Pool) -> Placement:
    """Where the guests of *pool* are now: every guest that occupies a host, movable or not, sorted by uuid."""
    return Placement({vm.uuid: vm.resident_on for vm in pool.resident_guests() if vm.resident_on is not None})


def current_placement_with_disks(pool: Pool) -> Placement:
    """Where the guests of *pool* are now, with the SR of every disk of every guest."""
    hosts = current_placement(pool).host_of
    srs = {vm: {drive.uuid: disk.sr for drive, disk in disks_of(pool.vms[vm], pool)} for vm in hosts}
    return Placement(hosts, {vm: found for vm, found in srs.items() if found})
