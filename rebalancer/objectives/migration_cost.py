"""Migration cost: GiB copied."""

from __future__ import annotations

from fractions import Fraction

from rebalancer.objectives.base import Measure, Model, Objective
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.units import GIB, gib


class MigrationCost(Objective):
    """GiB of memory copied over the migration network."""

    id = "migration-cost"
    sentence = "Memory of the VMs that move, as a live migration copies it."
    unit = "GiB"

    def value(self, placement: Placement, problem: Problem) -> float:
        """GiB copied on the way from tonight's placement to *placement*."""
        moves = problem.initial.moves_to(placement)
        return gib(sum(problem.pool.vms[move.vm].migration_memory_bytes for move in moves))

    def post(self, model: Model, problem: Problem) -> tuple[Measure, ...]:
        """Bytes of every VM that leaves its host."""
        sizes = {vm: problem.pool.vms[vm].migration_memory_bytes for vm in problem.initial}
        return (model.moved(sizes).times(Fraction(1, GIB)),)
