"""Hosts to spare in the model: it accepts what the checker accepts, and the optimum is the true one."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from ortools.sat.python import cp_model

from rebalancer.placement import Placement
from rebalancer.plan import rebalance, verify_plan
from rebalancer.policy import Covered, DemandPolicy, LimitsPolicy, SparePolicy
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import PoolRule, end_violations, rules_for
from rebalancer.simulator import Simulator, demo_pool
from rebalancer.solve import solve
from rebalancer.solve.failures import where_of
from rebalancer.solve.prepare import prepare
from rebalancer.solve.stage import Stage
from rebalancer.xapi import Credentials, Trust, connect, measure, read_pool
from tests.pools import policy_of
from tests.solve.tiny import SLOTS, accepted_by_checker, balance_objectives, best, placements, tiny

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
    prepared = prepare(problem, rules_for(problem))
    here = where_of(problem.initial)
    for number, limit in enumerate(prepared.failures.restarts):
        outlived = [failure for failure in limit.failures if limit.restarts(failure, here) is not None]
        prepared.failures.stated.extend((number, failure) for failure in outlived)
    stage = Stage(prepared=prepared, objective=balance_objectives(problem)[1])
    return {tuple(goal.host_of.values()) for goal in placements(problem) if _is_possible(stage, goal)}


def _is_possible(stage: Stage, goal: Placement) -> bool:
    """Whether a whole model lets every unit be where *goal* has it."""
    prepared = stage.prepared
    at = np.array([prepared.hosts.index(goal[members[0]]) for members in prepared.units], dtype=np.int64)
    movable = {vm for members in prepared.units for vm in members}
    if any(goal[vm] != host for vm, host in prepared.problem.initial.host_of.items() if vm not in movable):
        return False
    model, _ = stage.model(stage.whole())
    for unit, host in enumerate(at.tolist()):
        if model.variable[unit, host] < 0:
            return False
        model.fix(int(model.variable[unit, host]), 1)
    return cp_model.CpSolver().solve(model.cp) == cp_model.OPTIMAL


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
    found = solve(problem)
    rules = [rule for rule in rules_for(problem) if isinstance(rule, PoolRule)]
    assert end_violations(rules, problem, found.placement) == ()
    objectives = balance_objectives(problem)
    values = tuple(round(objective.value(found.placement, problem), 9) for objective in objectives)
    assert values == best(problem, objectives)
    assert all(tier.proved for tier in found.tiers)


@pytest.fixture(scope="module")
def demo() -> Problem:
    """The demo pool, read over HTTP."""
    credentials = Credentials(user="root", password="a test's")
    with (
        Simulator(demo_pool(), password=credentials.password) as simulator,
        connect(simulator.url, credentials, Trust()) as session,
    ):
        pool = read_pool(session)
        return make_problem(pool, measure(session, pool, DemandPolicy()), policy_of())


@pytest.mark.parametrize("failing", [1, 2])
def test_demo_pool_keeps_hosts_to_spare(demo: Problem, failing: int) -> None:
    """The demo pool is planned with hosts to spare: it moves VMs, and every state of the plan verifies."""
    spare = SparePolicy(hosts=failing, vms=Covered.ALL)
    policy = demo.policy.model_copy(update={"spare": spare, "limits": LimitsPolicy(solve_seconds=5)})
    problem = make_problem(demo.pool, demo.demand, policy)
    plan = rebalance(problem, made_at=MADE_AT)
    assert plan.steps
    assert verify_plan(plan, problem.pool, problem.demand, now=MADE_AT) == ()
