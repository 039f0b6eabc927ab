"""What disks take of an SR, and what is copied when they move: always in full, whatever they fill."""

from __future__ import annotations

from rebalancer.inventory import VDI, Uuid
from rebalancer.placement import DiskMove, Migration, disks_of
from rebalancer.problem import Problem


class DiskSizes:
    """Sizes of the disks of a pool, in bytes, by the drives that they are in."""

    def __init__(self, problem: Problem) -> None:
        self._pool, self._index = problem.pool, problem.index
        self._disk_in: dict[Uuid, VDI] = {}

    def copied(self, disk: VDI) -> int:
        """The disk and its snapshots: what a move copies, and what the copy takes once it is there."""
        return disk.virtual_size_bytes + self._index.snapshot_bytes.get(disk.uuid, 0)

    def arriving(self, disk: VDI) -> int:
        """Bytes that a copy takes while it runs: what is copied, and the snapshot that the mirror takes of it."""
        return self.copied(disk) + disk.virtual_size_bytes

    def behind(self, vm: Uuid, drive: Uuid) -> VDI:
        """The disk in a drive of *vm*.

        Raises:
            KeyError: the VM has no such drive, or there is no disk in it.
        """
        if drive not in self._disk_in:
            self._disk_in |= {each.uuid: disk for each, disk in disks_of(self._pool.vms[vm], self._pool)}
        return self._disk_in[drive]

    def copied_by(self, move: Migration) -> int:
        """Memory and disks that *move* copies."""
        return self._pool.vms[move.vm].migration_memory_bytes + self.copied_on(move.vm, move.disks)

    def copied_on(self, vm: Uuid, disks: tuple[DiskMove, ...]) -> int:
        """Bytes of *disks* that are copied, memory left out."""
        return sum(self.copied(self.behind(vm, disk.drive)) for disk in disks)
