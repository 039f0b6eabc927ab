"""Evacuations and rolling work that put load before GiB, by policy."""

from __future__ import annotations

import pytest

from rebalancer.problem import Problem
from rebalancer.verify.verify import verify_plan
from rebalancer.whatif import Purpose, evacuate, rolling
from tests.plan.made import LATER, MADE_AT
from tests.solve.crowded import HOT, LOAD, VMS
from tests.solve.tiny import tiny


def wanting(priority: str) -> Problem:
    """A pool where emptying h3 overloads a host, unless b moves as well."""
    return tiny(VMS, load=LOAD, objective={"priority": priority})


@pytest.mark.parametrize(("priority", "moves", "cost"), [("mode", 1, HOT), ("load", 2, 0.0), ("sum", 2, 0.006)])
def test_an_evacuation_counts_load_as_the_policy_says(priority: str, moves: int, cost: float) -> None:
    """The fewest GiB, or 4 more so that no host is overloaded; the plan is proven, and VMs come home."""
    problem = wanting(priority)
    found = evacuate(problem, ["h3"], made_at=MADE_AT)
    assert found.plan is not None
    assert found.home is not None
    assert len(found.plan.steps) == moves
    main = next(tier for tier in found.plan.tiers if tier.unit == "weighted pCPU-hours")
    assert main.after == pytest.approx(cost)
    assert main.proved
    assert "no VM on h3" in found.plan.reason
    assert verify_plan(found.plan, problem.pool, problem.demand, now=LATER) == ()
    assert len(found.home.steps) == moves


@pytest.mark.parametrize(("priority", "cost"), [("gib", HOT), ("load", 0.0)])
def test_a_stage_of_rolling_counts_load_as_well(priority: str, cost: float) -> None:
    """While h3 is worked on, what is overloaded for it is what the policy lets be overloaded; everybody comes home."""
    problem = wanting(priority)
    found = rolling(problem, ["h3"], version=None, come_home=True, made_at=MADE_AT)
    (emptying,) = [stage for stage in found.stages if stage.purpose is Purpose.EMPTY]
    load = next(tier for tier in emptying.plan.tiers if tier.objective == "load-cost")
    assert load.after == pytest.approx(cost)
    assert found.deviations == ()
