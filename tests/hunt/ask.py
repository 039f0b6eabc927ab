"""What is asked of a situation: a plan that reads back and verifies, its way back, and a part of it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from rebalancer.errors import IllegalPlan, Infeasible, InputError, NoLegalOrder, PolicyError
from rebalancer.export.planfile import plan_from_json, plan_json
from rebalancer.inventory import Pool
from rebalancer.plan import Plan, Step
from rebalancer.planner.rebalance import rebalance
from rebalancer.problem import make_problem
from rebalancer.rules import Rulebook
from rebalancer.undo.partial import without_steps
from rebalancer.undo.undo import undo
from rebalancer.verify.verify import verify_plan
from rebalancer.whatif.evacuate import evacuate
from tests.hunt.situations import Situation


def examine(situation: Situation) -> Counter[str]:
    """Plan in *situation* and look at what comes of it; how often each end was met.

    Raises:
        ModelBug: maker and checker disagree, which is what is hunted.
        AssertionError: a plan is refused once it was written and read back.
    """
    ends = Counter[str]()
    try:
        problem = make_problem(situation.pool, situation.demand, situation.policy)
    except PolicyError:
        return Counter({"contradicting policy": 1})
    chance = random.Random(situation.chance)
    try:
        plan = rebalance(Rulebook.of(problem), made_at=situation.made_at, pace=situation.pace)
    except Infeasible:
        ends["infeasible"] += 1
    except NoLegalOrder:
        ends["no legal order"] += 1
    else:
        ends["plan" if plan.steps else "nothing to do"] += 1
        _accepted(plan, situation)
        ends.update(_taken_apart(plan, situation, chance))
    if not chance.randrange(4):
        host = chance.choice(sorted(situation.pool.hosts))
        try:
            found = evacuate(problem, [host], made_at=situation.made_at, pace=situation.pace)
        except PolicyError:
            ends["policy against evacuation"] += 1
        else:
            ends["evacuated" if found.plan else "not evacuated"] += 1
    return ends


def _accepted(plan: Plan, situation: Situation) -> None:
    """As a reviewer would find it: from the file, without the load."""
    again = plan_from_json(plan_json(plan), "a hunt")
    assert again == plan
    assert verify_plan(again, situation.pool, now=situation.made_at) == ()


def _taken_apart(plan: Plan, situation: Situation, chance: random.Random) -> Counter[str]:
    """The way back from the first steps, and the plan without one of them."""
    ends = Counter[str]()
    if not plan.steps:
        return ends
    made = plan.steps[: chance.randint(1, len(plan.steps))]
    if not any(step.disks for step in made):
        there = _after(made, situation.pool)
        back = undo(plan, there, made_at=situation.made_at, pace=situation.pace)
        ends["way back" if back.steps else "no way back"] += 1
        assert verify_plan(back, there, now=situation.made_at) == ()
    gone = chance.choice(plan.steps).id
    try:
        without_steps(plan, [gone], situation.pool, situation.demand, reason="it is looked into")
        ends["part"] += 1
    except (IllegalPlan, InputError):
        ends["no part"] += 1
    return ends


def _after(steps: Sequence[Step], pool: Pool) -> Pool:
    """*pool* once *steps*, without disks, were carried out."""
    ends = {step.vm: step.target for step in steps}
    return replace(
        pool, vms={uuid: replace(vm, resident_on=ends.get(uuid, vm.resident_on)) for uuid, vm in pool.vms.items()}
    )
