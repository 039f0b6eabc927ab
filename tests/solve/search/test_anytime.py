"""Whenever the search ends there is an answer to all objectives, and nothing is claimed that was not looked for."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.busy import problem_of
from rebalancer.objectives import Balance, Repair
from rebalancer.planner.rebalance import rebalance
from rebalancer.policy import Policy
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Rulebook
from rebalancer.snapshot import read_snapshot
from rebalancer.solve import Budget, Deadline, Solution, solve
from rebalancer.solve.instance.instance import instance_of
from rebalancer.solve.model.tier import TierProblem, placement_of
from rebalancer.solve.search.first_answer import LEAST, SHARE, first_answer
from rebalancer.verify.verify import verify_plan
from tests.solve.tiny import random_problem, tiny

MADE_AT = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)
PAST = Deadline(0.0)
"""A time of the monotonic clock that is long over."""
MOST_OVER = 1.0
"""Work that a search may take beyond its share: what is begun is brought to an end."""


@pytest.fixture(scope="module")
def hot() -> Problem:
    """A simulated pool with hot hosts and wishes that are broken."""
    return problem_of("16x250", 3, 20.0)


def solved_past_the_clock(problem: Problem) -> Solution:
    """The answer where the wall clock was over before anything began."""
    book = Rulebook.of(problem)
    return solve(book, budget=Budget(problem.policy.limits, until=PAST))


def test_an_answer_to_all_objectives_takes_no_clock(hot: Problem) -> None:
    """Although the clock is over, most of what is broken is mended, and nine tenths of the overload are gone."""
    answer = solved_past_the_clock(hot)
    repair, balance = answer.tiers
    assert repair.after < repair.before / 2
    assert balance.after < balance.before / 10
    assert not answer.reproducible
    assert answer.cut_in
    assert answer.unfinished
    assert all(f"not proved: time ran out in {each}" in answer.reason for each in answer.unfinished)


def test_the_first_answer_takes_a_tenth(hot: Problem) -> None:
    """It mends and relieves within its share of the work, and is the same however often it is asked for."""
    instance = instance_of(Rulebook.of(hot))
    objectives, effort = (Repair(), Balance()), Budget(hot.policy.limits).share(1.0)
    tier = TierProblem(instance=instance, objective=objectives[0])
    first, again = (first_answer(tier, objectives, instance.home, effort) for _ in range(2))
    assert first.at is not None
    assert again.at is not None
    assert np.array_equal(first.at, again.at)
    assert 0 < first.work == again.work <= max(LEAST, SHARE * effort.deterministic) + MOST_OVER
    values = [
        [each.value(placement_of(instance, at), instance.book) for at in (instance.home, first.at)]
        for each in objectives
    ]
    assert all(after < before for before, after in values)


def test_whoever_has_to_leave_leaves_without_a_clock() -> None:
    """An evacuation whose clock is over before it began empties the host all the same."""
    vms = {f"v{number}": ("h1", 4.0) for number in range(4)}
    problem = tiny(vms, load={}, mode="evacuate", empty=["h1"])
    answer = solved_past_the_clock(problem)
    assert set(answer.placement.host_of.values()) <= {"h2", "h3"}


@pytest.mark.parametrize("seed", range(8))
def test_whatever_the_clock_says_no_answer_is_illegal(seed: int) -> None:
    """Random pools with wishes of every kind: the checker accepts what there is, and values are as told."""
    problem = random_problem(seed)
    answer = solved_past_the_clock(problem)
    for tier, objective in zip(answer.tiers, (Repair(), Balance()), strict=False):
        assert tier.after == pytest.approx(objective.value(answer.placement, Rulebook.of(problem)))
        assert tier.after <= tier.before or tier.objective == Balance.id


def test_the_clock_is_named_in_the_plan(hot: Problem) -> None:
    """A plan that the clock cut short says where, and VMs that stay on hot hosts are not said to be of no use."""
    plan = rebalance(Rulebook.of(hot), made_at=MADE_AT, most_seconds=0.0)
    assert any(words.startswith("the wall clock ended the search in ") for words in plan.warnings)
    assert "does-not-pay" not in {each.rule for each in plan.left_alone}
    assert verify_plan(plan, hot.pool, hot.demand, now=MADE_AT) == ()


def test_slow_machines_make_the_same_plan(hot: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock on which everything takes three times as long changes nothing, down to the digest."""
    plans = [rebalance(Rulebook.of(hot), made_at=MADE_AT)]
    monkeypatch.setattr("rebalancer.solve.model.effort.CEILING", 4.0)
    real = time.monotonic
    monkeypatch.setattr("rebalancer.solve.model.effort.time.monotonic", lambda: 3 * real())
    plans.append(rebalance(Rulebook.of(hot), made_at=MADE_AT))
    assert plans[0].warnings == plans[1].warnings == ()
    assert plans[0].digest == plans[1].digest


@pytest.mark.parametrize("seconds", [0.02, 1.0, 5.0])
def test_work_is_bounded(hot: Problem, seconds: float) -> None:
    """Of what the limits say, no more is spent than what is begun takes to end."""
    limits = hot.policy.limits.model_copy(update={"solve_seconds": seconds})
    budget = Budget(limits)
    solve(Rulebook.of(hot), budget=budget)
    assert 0 < budget.spent <= seconds / 2 + LEAST + MOST_OVER


def test_time_ends_what_nothing_else_ends(hot: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock that runs a second at every look, a search that could go on for hours ends."""
    ticks: Iterator[int] = itertools.count()
    monkeypatch.setattr("rebalancer.solve.model.effort.time.monotonic", lambda: float(next(ticks)))
    limits = hot.policy.limits.model_copy(update={"solve_seconds": 7200.0})
    answer = solve(Rulebook.of(hot), budget=Budget(limits, until=Deadline.after(40.0)))
    assert answer.cut_in or answer.reproducible
    assert answer.tiers[-1].after < answer.tiers[-1].before / 10


@pytest.mark.parametrize("seconds", [0.02, 0.1, 0.3])
def test_little_time_for_two_hosts(shared_data: Callable[[str], Path], seconds: float) -> None:
    """Two hosts to empty, and hotly any time: they are emptied, whatever else is reached, and nothing disagrees."""
    snapshot = read_snapshot(shared_data("cases/search/16x250-two-hosts-to-empty.json.gz"))
    policy = Policy.load(shared_data("cases/search/two-hosts-to-empty.toml"))
    limits: dict[str, Any] = {"solve_seconds": seconds}
    policy = policy.model_copy(update={"limits": policy.limits.model_copy(update=limits)})
    problem = make_problem(snapshot.pool, snapshot.demand, policy)
    plan = rebalance(Rulebook.of(problem), made_at=MADE_AT)
    repair, balance = plan.tiers
    assert repair.after < repair.before / 2
    assert balance.after < balance.before / 10
    assert verify_plan(plan, problem.pool, problem.demand, now=MADE_AT) == ()
