"""Every host's row holds in every placement, and no part of a VM satisfies it."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from benchmarks.neutral import with_peaks
from rebalancer.objectives import Balance, LoadCost, Repair
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.solve.instance.instance import Bools, instance_of
from rebalancer.solve.model.effort import Effort
from rebalancer.solve.model.placement_model import PlacementModel
from rebalancer.solve.model.tier import HeldTier, TierProblem, at_of
from rebalancer.solve.search.host_rows import post_host_rows
from tests.solve.tiny import BALANCING, accepted_by_checker, best, random_problem, tiny

Row = tuple[list[int], list[int], int]
EFFORT = Effort(deterministic=20.0, seed=1)


def rows_of(tier: TierProblem, watched: Bools, levels: int | None = None) -> tuple[PlacementModel, list[Row]]:
    """The model of the whole *tier*, and the rows that are posted: variables, coefficients, the most they sum to."""
    model, goal = tier.model(replace(tier.whole(), watched=watched, levels=levels))
    before = model.writer.rows
    assert post_host_rows(model, goal, tier, EFFORT) >= 0
    added = list(model.writer.proto.constraints)[before:]
    return model, [(list(each.linear.vars), list(each.linear.coeffs), list(each.linear.domain)[-1]) for each in added]


def balancing(problem: Problem, breaches: int) -> TierProblem:
    """The tier of *problem* for bounds, with so many *breaches* left."""
    broken = (HeldTier(objective=Repair(), value=breaches),)
    return TierProblem(instance=instance_of(Rulebook.of(problem)), objective=Balance(), held=broken).optimistic()


@pytest.mark.parametrize("price", [0.0, 2.0])
@pytest.mark.parametrize("budget", [0, 2])
@pytest.mark.parametrize("seed", range(8))
def test_every_legal_placement_keeps_every_row(seed: int, budget: int, price: float) -> None:
    """With and without peaks and a price for moves, everywhere watched and half of it, with all levels and some."""
    problem = with_peaks(random_problem(seed), budget)
    objective = problem.policy.objective.model_copy(update={"pcpu_hours_per_move": price})
    problem = replace(problem, policy=problem.policy.model_copy(update={"objective": objective}))
    fewest, book, vms = round(best(problem, BALANCING)[0]), Rulebook.of(problem), list(problem.initial)
    found = [Placement(dict(zip(vms, hosts, strict=True))) for hosts in accepted_by_checker(problem)]
    allowed = [each for each in found if Repair().value(each, book) <= fewest + 1]
    tier = balancing(problem, fewest + 1)
    everywhere = np.ones_like(tier.instance.base, dtype=np.bool_)
    half = everywhere.copy()
    half[:, ::2] = False
    for watched, levels in product((everywhere, half), (None, 1, 3)):
        model, rows = rows_of(tier, watched, levels)
        for placement in allowed:
            values = np.array(model.values(at_of(tier.instance, placement)))
            assert all(values[variables] @ np.array(terms) <= most for variables, terms, most in rows)


def test_one_hot_host_has_a_row_that_a_whole_vm_satisfies_and_no_part() -> None:
    """Three VMs of 5 pCPUs on a host whose threshold is 12: 0.6 of one is enough for the load, and one has to go."""
    gib = {"a": ("h1", 4.0), "b": ("h1", 6.0), "c": ("h1", 8.0)}
    problem = tiny(gib, load={name: [5.0] * 4 for name in gib}, objective={"pcpu_hours_per_gib": 0.01})
    tier = balancing(problem, 0)
    model, rows = rows_of(tier, np.ones_like(tier.instance.base, dtype=np.bool_))
    ((variables, terms, most),) = rows
    away = np.array(model.values(np.array([1, 0, 0])), dtype=np.float64)
    part = away.copy()
    part[model.variable[0, :2]] = 0.4, 0.6
    assert away[variables] @ np.array(terms) <= most
    assert part[variables] @ np.array(terms) > most


def test_no_rows_are_posted_where_load_is_held() -> None:
    """All hosts share what else is held, so that none of them pays for it by itself."""
    problem = random_problem(0)
    tier = replace(balancing(problem, 9), held=(HeldTier(objective=LoadCost(), value=10**9),))
    assert rows_of(tier, np.ones_like(tier.instance.base, dtype=np.bool_))[1] == []
