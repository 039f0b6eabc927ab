"""The manual's word: the new SR has space for the disks and their snapshots."""

from __future__ import annotations

from collections import defaultdict

from rebalancer.inventory import VM, Host, Uuid
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import DiskRule, DiskTargets, Objection, Origin
from rebalancer.rules.facts.disk_maps import moving
from rebalancer.units import size_in_words


class SpaceOnTarget(DiskRule):
    """XAPI does not look: the copy would fail half-way. Disks count in full, and a mirror takes one snapshot more."""

    id = "space-on-target"
    sentence = "Each new SR has free space for its disks in full, for one snapshot of each, and for those they have."
    source = "XenServer 6.2 administrator's guide, 6.1: free space on the target SR for the VM and its snapshot"
    origin = Origin.MANUAL

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """An SR with less."""
        need: defaultdict[Uuid, int] = defaultdict(int)
        for disk, target in moving(disks, problem):
            if target is not None:
                need[target.uuid] += 2 * disk.virtual_size_bytes + _snapshots_bytes(disk.uuid, problem)
        for uuid, wanted in need.items():
            sr = problem.pool.srs[uuid]
            free = max(0, sr.physical_size_bytes - sr.physical_utilisation_bytes)
            if wanted > free:
                return self.objection(
                    f"needs {size_in_words(wanted)} on SR '{sr.name}', which has {size_in_words(free)} free"
                )
        return None


def _snapshots_bytes(disk: Uuid, problem: Problem) -> int:
    return sum(each.virtual_size_bytes for each in problem.pool.vdis.values() if each.snapshot_of == disk)
