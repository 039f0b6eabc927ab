"""Migration cost: GiB copied."""

from __future__ import annotations

from fractions import Fraction

from rebalancer.objectives.base import Measure, Objective, SolverModel
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.rules.facts.sizes import DiskSizes
from rebalancer.units import GIB, gib


class MigrationCost(Objective):
    """GiB of memory and disks copied over the migration network."""

    id = "migration-cost"
    sentence = "Memory of the VMs that move, and the disks that they take along."
    unit = "GiB"

    def value(self, placement: Placement, book: Rulebook) -> float:
        """GiB copied on the way from tonight's placement to *placement*."""
        return gib(sum(map(DiskSizes(book.problem).copied_by, book.problem.initial.moves_to(placement))))

    def post(self, model: SolverModel, problem: Problem) -> tuple[Measure, ...]:
        """The model's own count of bytes."""
        del problem
        return (model.copied().times(Fraction(1, GIB)),)
