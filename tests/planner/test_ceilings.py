"""Plans under a ceiling on load: no state of any of them is above it, whichever command makes them."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rebalancer.errors import Infeasible, NoLegalOrder
from rebalancer.objectives.load import cpu_capacities, usual_load
from rebalancer.placement import Migration, Placement
from rebalancer.plan import Plan, sealed
from rebalancer.planner.rebalance import rebalance
from rebalancer.policy import Mode
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Rulebook
from rebalancer.verify.ceilings import too_hot
from rebalancer.verify.verify import verify_plan
from rebalancer.whatif import Purpose, evacuate, rolling
from tests.plan.made import LATER, MADE_AT, goal_of, order_of, plan_of
from tests.solve.tiny import SLOTS, random_problem, tiny

NOISE = 1e-5


def states(plan: Plan, start: Placement) -> list[Placement]:
    """Where VMs are after each step, beginning with *start*."""
    found = [start]
    for step in plan.steps:
        found.append(found[-1].after(step.migration))
    return found


def highest_excess(problem: Problem, placements: list[Placement], ceiling: float) -> float:
    """pCPUs above the ceiling, or above what a host used at first, whichever is more; by plain sums."""
    most = np.maximum(ceiling * cpu_capacities(problem)[:, None], usual_load(problem.initial, problem))
    return max(float((usual_load(each, problem) - most).max()) for each in placements)


def limited(seed: int, ceiling: float, mode: Mode) -> Problem:
    """A pool of `random_problem` under a ceiling."""
    problem = random_problem(seed)
    given = problem.policy.model_dump(exclude_unset=True)
    given["limits"] = {**given["limits"], "host_load": {"cpu": ceiling}, "solve_seconds": 5}
    empty = ("h2",) if mode is Mode.EVACUATE else problem.policy.empty
    policy = problem.policy.model_validate(given | {"mode": mode, "empty": empty})
    return make_problem(problem.pool, problem.demand, policy)


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("seed", range(6))
def test_no_state_of_any_plan_is_above_the_ceiling(seed: int, mode: Mode) -> None:
    """Or a host further above it than at first; and whoever verifies the plan from its file comes to the same."""
    ceiling = random.Random(seed).choice([0.5, 0.65, 0.8])
    problem = limited(seed, ceiling, mode)
    try:
        plan = rebalance(Rulebook.of(problem), made_at=MADE_AT)
    except (Infeasible, NoLegalOrder):
        return
    assert highest_excess(problem, states(plan, problem.initial), ceiling) <= NOISE
    assert verify_plan(plan, problem.pool, now=LATER) == ()
    assert verify_plan(plan, problem.pool, problem.demand, now=LATER) == ()


FOUR = {"a": (6.0,) * SLOTS, "b": (6.0,) * SLOTS, "c": (6.0,) * SLOTS, "d": (6.0,) * SLOTS}
HOMES = {"a": ("h1", 2.0), "b": ("h1", 2.0), "c": ("h2", 2.0), "d": ("h3", 2.0)}


def under(ceiling: float, **sections: Any) -> Problem:  # noqa: ANN401 - sections of a policy
    """Four VMs of 6 pCPUs on three hosts of 16 under a ceiling: two fit on a host at 75 %, none beside one at 74 %."""
    return tiny(HOMES, load=FOUR, limits={"host_load": {"cpu": ceiling}, "minimum_gain_pcpu_hours": 0}, **sections)


def test_an_evacuation_spreads_its_vms_below_the_ceiling() -> None:
    """a and b go to different hosts, and home again on the way back; memory and GiB alone would let them share one."""
    problem = under(0.75)
    found = evacuate(problem, ["h1"], made_at=MADE_AT)
    assert found.plan is not None
    assert sorted(found.plan.predicted.host_of.values()) == ["h2", "h2", "h3", "h3"]
    assert found.home is not None
    assert found.home.predicted.host_of == problem.initial.host_of
    assert highest_excess(problem, states(found.plan, problem.initial), 0.75) <= NOISE


def test_an_evacuation_that_the_ceiling_prevents_says_so() -> None:
    """At 74 % no host takes another 6 pCPUs: the rule is named, and what to give up."""
    found = evacuate(under(0.74), ["h1"], made_at=MADE_AT)
    assert found.plan is None
    assert isinstance(found.refused, Infeasible)
    assert "host-load" in found.refused.blame[0]
    assert [each.where for each in found.fixes[0].concessions] == ["limits.host_load"]


def test_rolling_keeps_the_ceiling_at_every_stage() -> None:
    """Each host is emptied in turn onto the two others, 12 of 16 pCPUs at most, and its VMs return."""
    problem = under(0.75)
    found = rolling(problem, (), version=None, come_home=True, made_at=MADE_AT)
    assert found.refused is None
    at = problem.initial
    for stage in found.stages:
        assert highest_excess(problem, states(stage.plan, at), 0.75) <= NOISE
        at = stage.plan.predicted
        assert (stage.purpose is Purpose.EMPTY) <= (stage.host not in at.host_of.values())
    assert at.host_of == problem.initial.host_of
    assert rolling(under(0.74), (), version=None, come_home=True, made_at=MADE_AT).refused is not None


def test_what_the_ceiling_forbids_goes_by_way_of_a_third_host() -> None:
    """a and b, of 9 pCPUs, change places: neither fits beside the other, so one of them waits on h3."""
    load = {"a": (9.0,) * SLOTS, "b": (9.0,) * SLOTS}
    problem = tiny({"a": ("h1", 2.0), "b": ("h2", 2.0)}, load=load, limits={"host_load": {"cpu": 1.0}})
    order = order_of(problem, goal_of(problem, a="h2", b="h1"))
    assert sum(move.hop for move in order.migrations) == 1
    plain = tiny({"a": ("h1", 2.0), "b": ("h2", 2.0)}, load=load)
    assert not any(move.hop for move in order_of(plain, goal_of(plain, a="h2", b="h1")).migrations)


def test_steps_wait_for_the_room_that_earlier_ones_make() -> None:
    """b leaves h2 before a comes: without the relation both would be there at once, and the checker says so."""
    load = {"a": (9.0,) * SLOTS, "b": (9.0,) * SLOTS}
    problem = tiny({"a": ("h1", 2.0), "b": ("h2", 2.0)}, load=load, limits={"host_load": {"cpu": 1.0}})
    plan = plan_of(problem, goal_of(problem, a="h2", b="h3"))
    assert [(step.vm, step.after) for step in plan.steps] == [("b", ()), ("a", ("s01",))]
    loose = sealed(replace(plan, steps=(plan.steps[0], replace(plan.steps[1], after=()))))
    assert "host-load" in {finding.rule for finding in verify_plan(loose, problem.pool, now=LATER)}


def test_the_second_opinion_needs_no_rows() -> None:
    """It refuses a step above the ceiling by sums of its own, by name, slot and share."""
    problem = under(0.7)
    plan = plan_of(tiny(HOMES, load=FOUR), goal_of(problem, a="h2"))
    found = list(too_hot(plan.steps, Rulebook.of(problem)))
    assert [finding.words for finding in found] == ["a to h2: its CPU load is 75.0% at 00:00 UTC, at most 70.0%"]
    assert list(too_hot(plan.steps, Rulebook.of(under(0.75)))) == []
    assert list(too_hot(plan.steps, Rulebook.of(problem).way_back())) == []


def test_a_host_above_it_is_told_and_why_it_stays() -> None:
    """h1 uses 12 of 16 at a ceiling of 50 %: nobody else has room for 6 pCPUs, so it stays, and the plan says so."""
    plan = rebalance(Rulebook.of(under(0.5)), made_at=MADE_AT)
    assert plan.steps == ()
    (old,) = plan.old_violations
    assert (old.rule, old.mended) == ("host-load", False)
    assert old.words.startswith(
        "CPU load of host 'h1': 75.0% at 00:00 UTC, at most 50.0%, and above it in 3 more slots"
    )
    assert "CPU load of host" in old.why_not


def test_digits_of_plans_do_not_change_the_verdict() -> None:
    """Loads with more digits than plans keep, and a host filled to the last of them."""
    third = 16 / 3 - 1e-7
    load = {"a": (third,) * SLOTS, "b": (third,) * SLOTS, "c": (third,) * SLOTS, "d": (0.1234567,) * SLOTS}
    problem = tiny(HOMES, load=load, limits={"host_load": {"cpu": 1.0}})
    there = Placement({**problem.initial.host_of, "c": "h1"})
    if Rulebook.of(problem).violations(there, since=problem.initial):
        pytest.fail("three thirds fit")
    plan = plan_of(problem, there)
    assert verify_plan(plan, problem.pool, now=LATER) == ()
    assert [step.migration for step in plan.steps] == [Migration(vm="c", source="h2", target="h1")]
