"""Hosts in use: how many cannot be put to sleep."""

from __future__ import annotations

from rebalancer.inventory import Uuid
from rebalancer.objectives.base import Measure, Objective, SolverModel
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook


class HostsInUse(Objective):
    """The coordinator always counts: a pool whose coordinator sleeps can neither be managed nor woken."""

    id = "hosts-in-use"
    sentence = "Hosts that hold a VM, and the coordinator, which never sleeps."
    unit = "hosts"

    def value(self, placement: Placement, book: Rulebook) -> float:
        """How many hosts stay awake under *placement*."""
        return float(len(hosts_in_use(placement, book.problem)))

    def post(self, model: SolverModel, problem: Problem) -> tuple[Measure, ...]:
        """A host for each that somebody is on."""
        return (model.occupied(problem.pool.coordinators),)


def hosts_in_use(placement: Placement, problem: Problem) -> frozenset[Uuid]:
    """The hosts with a guest, and the coordinator."""
    return frozenset({*placement.host_of.values(), *problem.pool.coordinators})
