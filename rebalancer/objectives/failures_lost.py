"""Failures lost: how many failures of hosts the pool would not outlive."""

from __future__ import annotations

from rebalancer.objectives.base import Measure, Objective, SolverModel
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook


class FailuresLost(Objective):
    """The rule `spare` keeps those outlived that are outlived now; this is about the others."""

    id = "failures-lost"
    sentence = "Failures of as many hosts as the policy keeps to spare after which VMs would not all restart."
    unit = "failures"

    def value(self, placement: Placement, book: Rulebook) -> float:
        """How many of them there are in *placement*."""
        where = {vm: (host,) for vm, host in placement.host_of.items()}
        return float(sum(len(limit.unmet(where)) for limit in book.restarts))

    def post(self, model: SolverModel, problem: Problem) -> tuple[Measure, ...]:
        """How many of those stay lost that the model is to mend."""
        del problem
        return (model.failures_lost(),)
