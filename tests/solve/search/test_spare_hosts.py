"""Hosts to spare in the model: it accepts what the checker accepts, and the optimum is the true one."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest
from ortools.sat.python import cp_model

from rebalancer.placement import Placement
from rebalancer.planner.rebalance import rebalance
from rebalancer.policy import Covered, LimitsPolicy, SparePolicy
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import PoolRule, Rulebook, rules_for
from rebalancer.rules.availability.restarts import Restarts
from rebalancer.rules.availability.spare import Spare
from rebalancer.simulator import Simulator, demo_pool
from rebalancer.solve import solve
from rebalancer.solve.exact.solver import one_worker
from rebalancer.solve.instance.host_failures import where_of
from rebalancer.solve.instance.instance import instance_of
from rebalancer.solve.model.tier import TierProblem
from rebalancer.verify.verify import verify_plan
from rebalancer.xapi import Credentials, Trust, connect, measure, read_pool
from tests.pools import policy_of
from tests.solve.tiny import BALANCING, SLOTS, accepted_by_checker, placements, tiny

MADE_AT = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)


def spare_problem(seed: int, failing: int, *, vms: int = 4, hosts: int = 3) -> Problem:
    """Hosts that can just restart what is on one of them, and loads that ask for moves."""
    chance = random.Random(seed)
    names = [f"h{number}" for number in range(1, hosts + 1)]
    placed = {f"v{number}": (chance.choice(names), float(chance.choice([1, 2, 3, 4]))) for number in range(vms)}
    room = {name: float(chance.choice([5, 7, 9, 12])) for name in names}
    load = {vm: [chance.randint(500, 9000) / 1000 for _ in range(SLOTS)] for vm in placed}
    limits: dict[str, Any] = {"minimum_gain_pcpu_hours": 0, "solve_seconds": 3}
    return tiny(placed, hosts=room, load=load, spare={"hosts": failing, "vms": "all"}, limits=limits)


def accepted_by_model(problem: Problem) -> set[tuple[str, ...]]:
    """The placements that the model accepts when it states every failure that is outlived tonight."""
    instance = instance_of(Rulebook.of(problem))
    here = where_of(problem.initial)
    for number, limit in enumerate(instance.failures.restarts):
        outlived = [failure for failure in limit.failures if limit.restarts(failure, here) is not None]
        instance.failures.stated.extend((number, failure) for failure in outlived)
    tier = TierProblem(instance=instance, objective=BALANCING[1])
    return {tuple(goal.host_of.values()) for goal in placements(problem) if _is_possible(tier, goal)}


def _is_possible(tier: TierProblem, goal: Placement) -> bool:
    """Whether a whole model lets every unit be where *goal* has it."""
    instance = tier.instance
    at = np.array([instance.hosts.index(goal[members[0]]) for members in instance.units], dtype=np.int64)
    movable = {vm for members in instance.units for vm in members}
    if any(goal[vm] != host for vm, host in instance.problem.initial.host_of.items() if vm not in movable):
        return False
    model, _ = tier.model(tier.whole())
    for unit, host in enumerate(at.tolist()):
        if model.variable[unit, host] < 0:
            return False
        model.writer.fix(int(model.variable[unit, host]), 1)
    return one_worker().solve(model.writer.model()) == cp_model.OPTIMAL


@pytest.mark.parametrize(("seed", "failing"), [*((seed, 1) for seed in range(6)), *((seed, 2) for seed in range(3))])
def test_model_accepts_what_the_checker_accepts(seed: int, failing: int) -> None:
    """Neither side knows a placement that the other does not."""
    problem = spare_problem(seed, failing)
    assert accepted_by_model(problem) == accepted_by_checker(problem)


def test_some_cases_exclude_something() -> None:
    """Without hosts to spare more placements are accepted, in most of the cases."""
    fewer = 0
    for seed in range(6):
        problem = spare_problem(seed, 1)
        policy = problem.policy.model_copy(update={"spare": SparePolicy()})
        fewer += accepted_by_checker(problem) < accepted_by_checker(make_problem(problem.pool, problem.demand, policy))
    assert fewer >= 3


@pytest.mark.parametrize("failing", [1, 2])
@pytest.mark.parametrize("seed", range(12))
def test_optimum_is_that_of_brute_force(seed: int, failing: int) -> None:
    """The answer keeps every failure that was outlived, is the best that does, and is proved to be."""
    problem = spare_problem(seed, failing, vms=5, hosts=3 if failing == 1 else 4)
    found = solve(Rulebook.of(problem))
    rules = [rule for rule in rules_for(problem) if isinstance(rule, PoolRule)]
    assert Rulebook(problem, rules).violations(found.placement, since=problem.initial) == ()
    assert all(tier.proved for tier in found.tiers)
    assert tuple(round(tier.after, 9) for tier in found.tiers if tier.objective != "failures-lost") == optimum(
        problem, found.placement
    )


def optimum(problem: Problem, answer: Placement) -> tuple[float, ...]:
    """The lowest breaches and the lowest balance with them, of all that outlives what *answer* does."""
    still = set(lost_in(problem, answer))
    goals = [goal for goal in allowed(problem) if set(lost_in(problem, goal)) <= still]
    return min(tuple(round(each.value(goal, Rulebook.of(problem)), 9) for each in BALANCING) for goal in goals)


@cache
def allowed(problem: Problem) -> list[Placement]:
    """What the checker accepts with no more moves than the policy allows."""
    vms, most = list(problem.initial), problem.policy.limits.maximum_moves
    goals = (Placement(dict(zip(vms, hosts, strict=True))) for hosts in sorted(accepted_by_checker(problem)))
    return [goal for goal in goals if most is None or len(problem.initial.moves_to(goal)) <= most]


def lost_in(problem: Problem, goal: Placement) -> list[frozenset[str]]:
    """The failures after which some VM has no place, by trying every way to restart them."""
    (limit,) = Spare().limits(problem)
    return [failure for failure in limit.failures if not _restart_somehow(limit, failure, goal)]


def _restart_somehow(limit: Restarts, failure: frozenset[str], goal: Placement) -> bool:
    """Whether all VMs of the hosts of *failure* fit on the others."""
    free = {
        host: max(0, room - sum(limit.held[vm] for vm in goal if goal[vm] == host)) for host, room in limit.room.items()
    }
    gone = [vm for vm in goal if goal[vm] in failure and vm in limit.items.size]
    left = sorted(free.keys() - failure)
    return any(
        all(
            sum(limit.items.size[vm] for vm, at in zip(gone, hosts, strict=True) if at == host) <= free[host]
            for host in left
        )
        for hosts in product(left, repeat=len(gone))
    )


@pytest.mark.parametrize("failing", [1, 2])
@pytest.mark.parametrize("seed", range(12))
def test_lost_failures_are_mended_as_far_as_they_can(seed: int, failing: int) -> None:
    """After as few failures as any allowed placement leaves VMs do not restart; that is a tier, proved, and no more."""
    problem = lopsided(seed, failing)
    found = solve(Rulebook.of(problem))
    before = len(lost_in(problem, problem.initial))
    tiers = {tier.objective: tier for tier in found.tiers}
    if not before:
        assert "failures-lost" not in tiers
        return
    fewest = min(len(lost_in(problem, goal)) for goal in allowed(problem))
    tier = tiers["failures-lost"]
    assert (tier.before, tier.after, tier.bound, tier.proved) == (before, fewest, fewest, True)
    assert len(lost_in(problem, found.placement)) == fewest
    assert tiers["balance"].after == pytest.approx(optimum(problem, found.placement)[1])


def test_plan_that_mends_failures_says_so_and_verifies() -> None:
    """Steps that do nothing else give the failures as their reason, and the plan verifies with its tier."""
    told = []
    for seed in range(12):
        problem = lopsided(seed, 2)
        plan = rebalance(Rulebook.of(problem), made_at=MADE_AT)
        assert verify_plan(plan, problem.pool, problem.demand, now=MADE_AT) == ()
        tier = next((each for each in plan.tiers if each.objective == "failures-lost"), None)
        reasons = [step.why for step in plan.steps if "[spare]" in step.why]
        if tier and tier.after < tier.before:
            told += reasons
        else:
            assert reasons == []
    assert any(
        re.fullmatch(r"after (no failure|\d+ failures?) of hosts instead of \d VMs then have .*", each) for each in told
    )


def test_some_of_these_pools_can_be_mended() -> None:
    """The comparison is made: failures are lost in most of these pools, and in some none is afterwards."""
    cases = [lopsided(seed, failing) for seed in range(12) for failing in (1, 2)]
    lost = [case for case in cases if lost_in(case, case.initial)]
    assert len(lost) >= 8
    assert any(min(len(lost_in(case, goal)) for goal in allowed(case)) == 0 for case in lost)


@cache
def lopsided(seed: int, failing: int) -> Problem:
    """Large and small VMs on hosts where few gaps are large: somewhere else the small ones would leave more of them."""
    chance = random.Random(seed)
    names = [f"h{number}" for number in range(1, 3 + failing)]
    placed = {f"v{number}": (chance.choice(names), float(chance.choice([1, 2, 5]))) for number in range(5)}
    room = {name: float(chance.choice([6, 7, 9])) + 0.5 for name in names}
    load = {vm: [chance.randint(200, 900) / 1000 for _ in range(SLOTS)] for vm in placed}
    limits = {
        "minimum_gain_pcpu_hours": 0,
        "solve_seconds": 6,
        **chance.choice([{}, {"maximum_moves": 1}, {"maximum_moves": 2}]),
    }
    return tiny(placed, hosts=room, load=load, spare={"hosts": failing, "vms": "all"}, limits=limits)


@pytest.fixture(scope="module")
def demo() -> Problem:
    """The demo pool, read over HTTP."""
    credentials = Credentials(user="root", password="a test's")
    with (
        Simulator(demo_pool(), password=credentials.password) as simulator,
        connect(simulator.url, credentials, Trust()) as session,
    ):
        pool = read_pool(session)
        return make_problem(pool, measure(session, pool, policy_of().demand), policy_of())


@pytest.mark.parametrize("failing", [1, 2])
def test_demo_pool_keeps_hosts_to_spare(demo: Problem, failing: int) -> None:
    """The demo pool is planned with hosts to spare: it moves VMs, and every state of the plan verifies."""
    spare = SparePolicy(hosts=failing, vms=Covered.ALL)
    policy = demo.policy.model_copy(update={"spare": spare, "limits": LimitsPolicy(solve_seconds=5)})
    problem = make_problem(demo.pool, demo.demand, policy)
    plan = rebalance(Rulebook.of(problem), made_at=MADE_AT)
    assert plan.steps
    assert verify_plan(plan, problem.pool, problem.demand, now=MADE_AT) == ()
