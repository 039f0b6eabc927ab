"""Reported: pools whose hosts are all above their threshold, which were never relieved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import rebalancer as rb
from benchmarks.neutral import RULES, problem_of, read_instance
from rebalancer.objectives import Balance, LoadCost, Peak
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.solve import Outcome, solve
from tests.solve.tiny import tiny

SHARED = Callable[[str], Path]
MOSTLY = (1.79, 1.64, 1.53, 1.15, 1.09)
"""What five hosts of a reported pool used of their capacity."""
ANY_GAIN = {"minimum_gain_pcpu_hours": 0, "solve_seconds": 20}


def peak(problem: Problem, placement: Placement) -> float:
    """The highest share of capacity of any host, in any slot."""
    return Peak().value(placement, Rulebook.of(problem))


def test_one_host_is_hotter_than_the_others(shared_data: SHARED, tmp_path: Path) -> None:
    """One host at 98 % all day and four at 78 %: no host is left above 85 %, for a few GiB, and that is proved best."""
    plan = rb.rebalance(rb.Model(rb.read(shared_data("cases/objective/flat.json.gz")), state_dir=tmp_path))
    assert max(row.before.peak_share or 0.0 for row in plan.hosts) > 0.97
    assert max(row.after.peak_share or 0.0 for row in plan.hosts) <= 0.85
    balance = next(tier for tier in plan.tiers if tier.objective == Balance.id)
    assert balance.proved
    assert 1 <= len(plan.steps) <= 8


def test_one_host_is_hottest_where_all_are_hot(shared_data: SHARED) -> None:
    """98 and four times 84 %: exchanges leave at most 88 %, proven best by the pool as a whole."""
    problem = problem_of(read_instance(shared_data("cases/objective/hot5.json.gz")), seconds=30, seed=1)
    problem = replace(problem, policy=problem.policy.model_copy(update={"objective": rb.Policy().objective}))
    found = solve(Rulebook(problem, RULES))
    assert peak(problem, problem.initial) > 0.97
    assert peak(problem, found.placement) <= 0.88
    assert found.tiers[-1].gap < 0.001


@pytest.mark.parametrize("preset", ["balanced", "aggressive"])
def test_vms_change_places_where_all_hosts_are_hot_at_any_price(shared_data: SHARED, preset: str) -> None:
    """The same pool where GiB and moves cost: twelve exchanges leave at most 88 %, and nothing is better."""
    problem = problem_of(read_instance(shared_data("cases/objective/hot5.json.gz")), seconds=30, seed=1)
    objective = rb.Policy.model_validate({"preset": preset}).objective
    problem = replace(problem, policy=problem.policy.model_copy(update={"objective": objective}))
    found = solve(Rulebook(problem, RULES))
    assert len(problem.initial.moves_to(found.placement)) == 24
    assert peak(problem, found.placement) <= 0.88
    assert found.tiers[-1].gap < 0.001


def test_hosts_that_have_more_than_they_can_do_share_it() -> None:
    """Five hosts at 179 to 109 %, 144 % in the mean: none is left above 150 %, where the next level begins."""
    counts = {f"h{number}": round(share * 20) for number, share in enumerate(MOSTLY, start=1)}
    vms = {f"{host}-{number}": (host, 1.0) for host, count in counts.items() for number in range(count)}
    load = dict.fromkeys(vms, (16 / 20,) * 4)
    problem = tiny(vms, hosts=dict.fromkeys(counts, 64.0), load=load, limits=ANY_GAIN)
    found = solve(Rulebook.of(problem))
    assert found.outcome is Outcome.IMPROVED
    assert peak(problem, found.placement) == pytest.approx(1.5)
    assert found.tiers[-1].gap < 0.01


@pytest.mark.parametrize(("price", "moves"), [(0.001, True), (30.0, False)])
def test_a_hot_host_is_relieved_by_another_hot_one_where_that_pays(price: float, *, moves: bool) -> None:
    """15.5 and 12.5 of 16 pCPUs, thresholds of 12: moving 1.5 for 2 GiB saves 46.8 weighted pCPU-hours, by hand."""
    load = {"a": (14.0,) * 4, "b": (1.5,) * 4, "c": (12.5,) * 4}
    vms = {"a": ("h1", 8.0), "b": ("h1", 2.0), "c": ("h2", 8.0)}
    objective = {"pcpu_hours_per_gib": price}
    problem = tiny(vms, hosts={"h1": 32.0, "h2": 32.0}, load=load, objective=objective, limits=ANY_GAIN)
    before = 4 * (0.8 * (1 + 2) + 0.4 * (4 + 6 + 8 + 12) + 0.3 * 16 + 0.5)
    after = 4 * 2 * (0.8 * (1 + 2) + 0.4 * 4)
    assert LoadCost().value(problem.initial, Rulebook.of(problem)) == pytest.approx(before)
    found = solve(Rulebook.of(problem))
    assert found.tiers[-1].after == pytest.approx(after + 2 * price if moves else before)
    assert found.tiers[-1].proved
