"""The SRs to which disks go have room for them, at every moment of a plan."""

from __future__ import annotations

from collections import defaultdict

from rebalancer.inventory import SR, VDI, VM, Host, Uuid
from rebalancer.placement import disks_of
from rebalancer.policy import RuleSet
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import DiskRule, DiskTargets, Objection, Origin, PoolRule, Row, Weights, When
from rebalancer.rules.facts.disk_maps import moving
from rebalancer.rules.facts.sizes import DiskSizes
from rebalancer.units import GIB, size_in_words


class SpaceRow(Row):
    """A row in bytes of one SR, whose weights are those of drives."""

    __slots__ = ()

    def words(self, value: int) -> str:
        """In sizes that people read."""
        return f"{self.subject}: {size_in_words(value)} (limit {size_in_words(self.upper)})"


class SRSpace(PoolRule):
    """A copy takes its place before its original gives any free; what that gives free is what it fills.

    XAPI does not look, so that the copy would fail half-way (`SR_BACKEND_FAILURE_44`). While `space-on-target` binds,
    a copy that runs takes one snapshot more. An SR that has less than the policy keeps free takes nothing, and is no
    breach.
    """

    id = "sr-space"
    sentence = "An SR to which disks go has room for them and their snapshots in full, and keeps free what it should."
    source = "the policy's storage_motion.keep_free_gib; sm: SRNoSpace"
    origin = Origin.POLICY
    code = "SR_BACKEND_FAILURE_44"
    when = When.EVERY_STEP

    def limits(self, problem: Problem) -> tuple[SpaceRow, ...]:
        """One row for each SR that may take disks, in bytes."""
        wanted = sorted(problem.intent.disk_srs)
        if not wanted:
            return ()
        vms = (problem.pool.vms[vm] for vm in problem.initial.srs_of)
        disks = {drive.uuid: disk for vm in vms for drive, disk in disks_of(vm, problem.pool)}
        sizes, rules = DiskSizes(problem), problem.policy.rules
        counts_mirrors = rules.set is RuleSet.DOCUMENTED and SpaceOnTarget.id not in rules.relax
        weigh = sizes.arriving if counts_mirrors else sizes.copied
        arriving = {drive: weigh(disk) for drive, disk in disks.items()}
        settled = {drive: sizes.copied(disk) for drive, disk in disks.items()}
        return tuple(_row(problem.pool.srs[sr], disks, settled, arriving, problem) for sr in wanted)

    def refusal(self, row: Row, held: int, joining: int) -> Objection:
        """What is needed, and what is free."""
        free = size_in_words(max(0, row.upper - held))
        return self.objection(f"needs {size_in_words(joining)}: {row.subject}, of which {free} are left")


def _row(
    sr: SR, disks: dict[Uuid, VDI], settled: dict[Uuid, int], arriving: dict[Uuid, int], problem: Problem
) -> SpaceRow:
    """What disks that are on *sr* fill, and those that come take, fits beside all else that is on it."""
    here = {drive: disk.physical_utilisation_bytes for drive, disk in disks.items() if disk.sr == sr.uuid}
    others = sr.physical_utilisation_bytes - sum(here.values())
    keep = int(problem.policy.storage_motion.keep_free_gib * GIB)
    return SpaceRow(
        subject=f"space of SR '{problem.names.srs[sr.uuid]}' for disks",
        places=frozenset({sr.uuid}),
        weights=Weights(resident=settled | here, arrival=arriving),
        upper=max(sum(here.values()), sr.physical_size_bytes - keep - others),
        unit=GIB,
    )


class SpaceOnTarget(DiskRule):
    """XAPI does not look: the copy would fail half-way. Disks count in full, and a mirror takes one snapshot more."""

    id = "space-on-target"
    sentence = "Each new SR has free space for its disks in full, for one snapshot of each, and for those they have."
    source = "XenServer 6.2 administrator's guide, 6.1: free space on the target SR for the VM and its snapshot"
    origin = Origin.MANUAL

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """An SR with less."""
        need, sizes = defaultdict[Uuid, int](int), DiskSizes(problem)
        for disk, target in moving(disks, problem):
            if target is not None:
                need[target.uuid] += sizes.arriving(disk)
        for uuid, wanted in need.items():
            sr = problem.pool.srs[uuid]
            free = max(0, sr.physical_size_bytes - sr.physical_utilisation_bytes)
            if wanted > free:
                on = f"on SR '{problem.names.srs[uuid]}', which has {size_in_words(free)} free"
                return self.objection(f"needs {size_in_words(wanted)} {on}")
        return None
