"""Consolidation: the fewest hosts that hold everybody below the threshold, as brute force over tiny pools tells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rebalancer.objectives import Balance, HostsInUse, LoadCost, Objective, Repair
from rebalancer.policy import Mode
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.solve import Outcome, solve
from rebalancer.solve.instance.instance import instance_of
from rebalancer.solve.model.tier import TierProblem
from rebalancer.solve.search.consolidate import fewest_hosts
from tests.solve.tiny import best, random_problem, tiny

IDLE = {"a": (1.0,) * 4, "b": (1.0,) * 4, "c": (1.0,) * 4, "d": (1.0,) * 4}
VMS = {"a": ("h1", 8.0), "b": ("h1", 4.0), "c": ("h2", 8.0), "d": ("h3", 4.0)}


def consolidating(problem: Problem, *, quiet: float = 1.0) -> Problem:
    """*problem* with the fewest hosts wanted, its VMs *quiet* times as busy."""
    assert problem.demand is not None
    demand = replace(problem.demand, vm_pcpu=np.round(problem.demand.vm_pcpu * quiet, 3))
    return replace(problem, demand=demand, policy=problem.policy.model_copy(update={"mode": Mode.CONSOLIDATE}))


TIERS: tuple[Objective, ...] = (Repair(), LoadCost(), HostsInUse(), Balance())
"""What is improved, in order."""


@pytest.mark.parametrize("quiet", [1.0, 0.2])
@pytest.mark.parametrize("seed", range(15))
def test_the_fewest_hosts_are_those_of_brute_force(seed: int, quiet: float) -> None:
    """Tier after tier and proved: breaches, overload, hosts in use, and what it costs to get there."""
    problem = consolidating(random_problem(seed), quiet=quiet)
    solution = solve(Rulebook.of(problem))
    assert [tier.after for tier in solution.tiers] == pytest.approx(best(problem, TIERS), abs=1e-9)
    assert all(tier.proved and tier.bound <= tier.after for tier in solution.tiers)


@pytest.mark.parametrize("seed", range(15))
def test_counting_never_claims_too_many_hosts(seed: int) -> None:
    """The bound by memory and load of the largest hosts is one for every placement that the rules accept."""
    problem = consolidating(random_problem(seed), quiet=0.2)
    tier = TierProblem(instance=instance_of(Rulebook.of(problem)), objective=HostsInUse())
    assert fewest_hosts(tier) <= best(problem, (HostsInUse(),))[0]


def test_idle_vms_share_one_host() -> None:
    """All fit on one of three hosts; the two others are named as freed."""
    solution = solve(Rulebook.of(tiny(VMS, load=IDLE, mode="consolidate")))
    assert solution.outcome is Outcome.CONSOLIDATED
    assert len(set(solution.placement.host_of.values())) == 1


def test_the_coordinator_is_never_left_to_sleep() -> None:
    """h1 is the coordinator: it stays in use anyway, so everybody goes there, although d on h3 would copy less."""
    vms = {"a": ("h1", 2.0), "d": ("h3", 20.0)}
    problem = tiny(vms, load=IDLE, mode="consolidate")
    assert problem.pool.coordinator == "h1"
    assert solve(Rulebook.of(problem)).placement.host_of == {"a": "h1", "d": "h1"}


def test_memory_is_kept() -> None:
    """24 GiB of VMs find no room on one host of 17 GiB: two stay in use, and counting proves it."""
    hosts = {"h1": 17.0, "h2": 17.0, "h3": 17.0}
    solution = solve(Rulebook.of(tiny(VMS, hosts=hosts, load=IDLE, mode="consolidate")))
    hosts_tier = next(tier for tier in solution.tiers if tier.objective == "hosts-in-use")
    assert (hosts_tier.before, hosts_tier.after, hosts_tier.bound, hosts_tier.proved) == (3, 2, 2, True)


def test_the_threshold_is_kept() -> None:
    """Of 16 pCPUs 12 are below the threshold: 16 in use need two hosts."""
    load = dict.fromkeys(VMS, (4.0,) * 4)
    solution = solve(Rulebook.of(tiny(VMS, load=load, mode="consolidate")))
    assert [(tier.objective, tier.after) for tier in solution.tiers][1:3] == [("load-cost", 0), ("hosts-in-use", 2)]


def test_reserves_are_kept() -> None:
    """Beside their reserves h1 is full and h2 has no room for d: c and d share h3."""
    reserve = [{"hosts": ["h1"], "memory_mib": 20 * 1024}, {"hosts": ["h2"], "memory_mib": 24 * 1024}]
    solution = solve(Rulebook.of(tiny(VMS, load=IDLE, mode="consolidate", reserve=reserve)))
    assert solution.placement.host_of == {"a": "h1", "b": "h1", "c": "h3", "d": "h3"}


def test_a_host_less_is_worth_its_moves() -> None:
    """The minimum gain is about overload; it does not keep idle hosts awake."""
    limits = {"minimum_gain_pcpu_hours": 100}
    assert solve(Rulebook.of(tiny(VMS, load=IDLE, mode="consolidate", limits=limits))).outcome is Outcome.CONSOLIDATED


def test_limits_on_moves_hold() -> None:
    """With one move allowed, only h3 with its one VM is freed."""
    solution = solve(Rulebook.of(tiny(VMS, load=IDLE, mode="consolidate", limits={"maximum_moves": 1})))
    hosts_tier = next(tier for tier in solution.tiers if tier.objective == "hosts-in-use")
    assert (hosts_tier.before, hosts_tier.after, hosts_tier.proved) == (3, 2, True)
