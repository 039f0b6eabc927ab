"""Migration cost: GiB copied."""

from __future__ import annotations

from fractions import Fraction

from rebalancer.inventory import Uuid
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
        return gib(sum(copied_bytes(problem, move.vm) for move in problem.initial.moves_to(placement)))

    def post(self, model: Model, problem: Problem) -> tuple[Measure, ...]:
        """The model's own count of bytes, which it takes from `copied_bytes`."""
        del problem
        return (model.copied().times(Fraction(1, GIB)),)


def copied_bytes(problem: Problem, vm: Uuid) -> int:
    """Bytes that moving *vm* copies over the migration network, wherever it goes."""
    return problem.pool.vms[vm].migration_memory_bytes
