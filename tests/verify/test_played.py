"""Plans played on the simulator's own checks: whatever `after` allows, at once or not, XAPI's rules let through."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from rebalancer.inventory import pool_from_records
from rebalancer.order.order import Order, find_order
from rebalancer.placement import Placement, current_placement
from rebalancer.policy import Policy
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Rulebook
from rebalancer.simulator import SimulatedPool, generate_pool
from rebalancer.verify.verify import verify_plan
from tests.plan.made import LATER, plan_of
from tests.verify.played import Play, cases, wandered


@given(cases(), st.integers(0, 999))
def test_every_allowed_interleaving_is_accepted_by_the_simulator(
    case: tuple[SimulatedPool, Problem, Placement], seed: int
) -> None:
    """At every begin the checker and the simulator agree that it may; in the end VMs are where the plan predicts."""
    pool, problem, goal = case
    if isinstance(find_order(Rulebook.of(problem), goal, seed=1), Order):
        plan = plan_of(problem, goal)
        assert verify_plan(plan, problem.pool, now=LATER) == ()
        play = Play(pool, problem)
        play.to_the_end(plan, random.Random(seed))
        there = pool_from_records({each: play.world.database.all(each) for each in pool.records})
        assert current_placement(there).host_of == plan.predicted.host_of


def test_plays_have_steps_at_once() -> None:
    """The pools above are worth playing: in some, several steps run at once."""
    pool = generate_pool(hosts=5, vms=18, seed=7, fill=0.5, days=1)
    problem = make_problem(pool_from_records(pool.records), None, Policy.model_validate({"mode": "repair"}))
    plan = plan_of(problem, wandered(problem, random.Random(1)))
    assert max(Play(pool, problem).to_the_end(plan, random.Random(seed)) for seed in range(10)) > 2
