"""Slots that are left out cost nothing in any placement, and leaving them out changes no figure."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from rebalancer.objectives import LoadCost
from rebalancer.objectives.load import host_load, overload_limits
from rebalancer.placement import Placement
from rebalancer.policy import Mode
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.solve import solve
from rebalancer.solve.instance.idle_slots import binding_slots, without_idle_slots
from rebalancer.solve.instance.instance import instance_of
from tests.solve.tiny import BALANCING, accepted_by_checker, best, random_problem, tiny

SLOTS = 12
ANY_GAIN = {"minimum_gain_pcpu_hours": 0, "solve_seconds": 20}


def with_nights(seed: int) -> Problem:
    """A random problem whose slots are busy, calm or idle."""
    problem = random_problem(seed)
    assert problem.demand is not None
    chance = np.random.default_rng(seed)
    pcpu = chance.integers(500, 9000, (len(problem.initial), SLOTS)) * chance.choice([0.05, 0.2, 0.5, 1.0], SLOTS)
    base = np.full((len(problem.pool.hosts), SLOTS), 0.5)
    return replace(problem, demand=replace(problem.demand, vm_pcpu=np.round(pcpu) / 1000, host_base_pcpu=base))


def hot_slots(problem: Problem) -> np.ndarray:
    """In which slots some placement that the checker accepts has a host above its threshold."""
    vms, limits = list(problem.initial), overload_limits(problem)[:, None]
    goals = (Placement(dict(zip(vms, hosts, strict=True))) for hosts in accepted_by_checker(problem))
    heated = np.array([(host_load(goal, problem) > limits).any(axis=0) for goal in goals])
    return np.asarray(heated.any(axis=0))


@pytest.mark.parametrize("seed", range(12))
def test_no_slot_is_left_out_that_any_placement_heats(seed: int) -> None:
    """By all placements that the rules accept."""
    problem = with_nights(seed)
    kept = binding_slots(instance_of(Rulebook.of(problem)))
    assert not (hot_slots(problem) & ~kept).any()


def test_most_slots_that_nothing_heats_are_left_out() -> None:
    """Over many pools: memory alone is looked at, and VMs are divided at will, so that some are kept for nothing."""
    found = [(with_nights(seed), seed) for seed in range(12)]
    kept = sum(int(binding_slots(instance_of(Rulebook.of(problem))).sum()) for problem, _ in found)
    hot = sum(int(hot_slots(problem).sum()) for problem, _ in found)
    assert hot <= kept < SLOTS * len(found)
    assert SLOTS * len(found) - kept >= (SLOTS * len(found) - hot) / 2


@pytest.mark.parametrize("mode", [Mode.BALANCE, Mode.CONSOLIDATE])
@pytest.mark.parametrize("seed", range(6))
def test_answers_and_bounds_are_those_of_all_slots(seed: int, mode: Mode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tier by tier the same figures with the slots and without, and those of brute force."""
    problem = with_nights(seed)
    problem = replace(problem, policy=problem.policy.model_copy(update={"mode": mode}))
    short = solve(Rulebook.of(problem))
    monkeypatch.setattr(import_module("rebalancer.solve.solve"), "without_idle_slots", lambda instance: instance)
    whole = solve(Rulebook.of(problem))
    for figure in ("objective", "before", "after", "bound", "proved"):
        mine, theirs = ([getattr(tier, figure) for tier in each.tiers] for each in (short, whole))
        assert mine == (theirs if figure in {"objective", "proved"} else pytest.approx(theirs, abs=1e-9))
    if mode is Mode.BALANCE:
        assert [tier.after for tier in short.tiers] == pytest.approx(best(problem, BALANCING), abs=1e-9)


def test_what_memory_cannot_hold_heats_nothing() -> None:
    """Three VMs of 8 GiB on hosts of 17: two fit together, at 8 of 12 pCPUs; all three would be hot, and cannot be."""
    vms = {"a": ("h1", 8.0), "b": ("h2", 8.0), "c": ("h3", 8.0)}
    load = {"a": (4.0, 4.1, 7.0, 0.0), "b": (4.0, 4.1, 7.0, 0.0), "c": (4.0, 4.1, 7.0, 0.0)}
    small = tiny(vms, hosts=dict.fromkeys(("h1", "h2", "h3"), 17.0), load=load, limits=ANY_GAIN)
    large = tiny(vms, load=load, limits=ANY_GAIN)
    assert binding_slots(instance_of(Rulebook.of(small))).tolist() == [False, False, True, False]
    assert binding_slots(instance_of(Rulebook.of(large))).tolist() == [False, True, True, False]


def test_a_vm_that_is_where_memory_is_overfull_counts_there() -> None:
    """Staying is never illegal: what is on a host now can be there, whatever its limits say."""
    vms = {"a": ("h1", 8.0), "b": ("h1", 8.0), "c": ("h2", 8.0)}
    load = dict.fromkeys(vms, (7.0, 0.1, 0.1, 0.1))
    problem = tiny(vms, hosts=dict.fromkeys(("h1", "h2", "h3"), 9.0), load=load, limits=ANY_GAIN)
    assert binding_slots(instance_of(Rulebook.of(problem)))[0]


def test_what_needs_every_slot_gets_every_slot() -> None:
    """Peak and spread count where nobody is above the threshold, too."""
    vms = {"a": ("h1", 2.0), "b": ("h1", 2.0)}
    problem = tiny(vms, load={"a": (3.0,) * 4, "b": (3.0,) * 4}, objective={"clean_up": ["peak"]}, limits=ANY_GAIN)
    assert not binding_slots(instance_of(Rulebook.of(problem))).any()
    peak = next(tier for tier in solve(Rulebook.of(problem)).tiers if tier.objective == "peak")
    assert (peak.before, peak.after) == pytest.approx((6 / 16, 6 / 16))


def test_a_pool_without_a_hot_slot_is_solved_all_the_same() -> None:
    """Nothing costs anything, nothing moves."""
    problem = tiny({"a": ("h1", 2.0), "b": ("h1", 2.0)}, load={}, limits=ANY_GAIN)
    assert without_idle_slots(instance_of(Rulebook.of(problem))).demand.shape == (2, 0)
    solution = solve(Rulebook.of(problem))
    assert solution.tiers[-1].proved
    assert solution.placement == problem.initial
    assert LoadCost().value(problem.initial, Rulebook.of(problem)) == 0
