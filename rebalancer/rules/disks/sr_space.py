"""The SRs to which disks go have room for them at every moment of a plan."""

from __future__ import annotations

from collections.abc import Iterator

from rebalancer.inventory import SR, VDI, Uuid
from rebalancer.placement import disks_of
from rebalancer.policy import RuleSet
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, PoolRule, Row, Weights, When
from rebalancer.rules.disks.space_on_target import SpaceOnTarget
from rebalancer.rules.facts.sizes import DiskSizes
from rebalancer.units import GIB, size_in_words


class SpaceRow(Row):
    """A row in bytes of one SR, whose weights are those of drives."""

    __slots__ = ()

    def words(self, value: int) -> str:
        """In sizes that people read."""
        return f"{self.subject}: {size_in_words(value)} of at most {size_in_words(self.upper)}"


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
        disks = {drive: disk for vm in problem.initial.srs_of for drive, disk in _drives(vm, problem)}
        sizes = DiskSizes(problem)
        weigh = sizes.arriving if counts_mirrors(problem) else sizes.copied
        arriving = {drive: weigh(disk) for drive, disk in disks.items()}
        settled = {drive: sizes.copied(disk) for drive, disk in disks.items()}
        return tuple(_row(problem.pool.srs[sr], disks, settled, arriving, problem) for sr in wanted)

    def refusal(self, row: Row, held: int, joining: int) -> Objection:
        """What is needed, and what is free."""
        free = size_in_words(max(0, row.upper - held))
        return self.objection(f"needs {size_in_words(joining)}: {row.subject}, of which {free} are left")


def counts_mirrors(problem: Problem) -> bool:
    """Whether a disk on its way needs space for the mirror's snapshot, too, as the manual asks."""
    rules = problem.policy.rules
    return rules.set is RuleSet.DOCUMENTED and SpaceOnTarget.id not in rules.relax


def _drives(vm: Uuid, problem: Problem) -> Iterator[tuple[Uuid, VDI]]:
    return ((drive.uuid, disk) for drive, disk in disks_of(problem.pool.vms[vm], problem.pool))


def _row(
    sr: SR, disks: dict[Uuid, VDI], settled: dict[Uuid, int], arriving: dict[Uuid, int], problem: Problem
) -> SpaceRow:
    """What disks that are on *sr* fill, and those that come take, fits beside all else that is on it."""
    here = {drive: disk.physical_utilisation_bytes for drive, disk in disks.items() if disk.sr == sr.uuid}
    others = sr.physical_utilisation_bytes - sum(here.values())
    keep = int(problem.policy.storage_motion.keep_free_gib * GIB)
    return SpaceRow(
        subject=f"space of SR '{sr.name}' for disks",
        places=frozenset({sr.uuid}),
        weights=Weights(resident=settled | here, arrival=arriving),
        upper=max(sum(here.values()), sr.physical_size_bytes - keep - others),
        unit=GIB,
    )
