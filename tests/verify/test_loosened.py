"""Relations of a plan taken out by hand: what any order may come to is judged as playing all of them judges it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from rebalancer.order.order import Order, find_order
from rebalancer.plan import Plan, Step, sealed
from rebalancer.plan.finding import FindingKind
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.verify.verify import verify_plan
from tests.plan.made import LATER, demand_of, goal_of, plan_along, pool_with
from tests.pools import policy_of, problem_of

BASE, PCPUS = 0.5, 16
"""What a host of these uses itself, and what it has."""
ROOM_GIB = 100.0
STEPS = FindingKind.ILLEGAL, FindingKind.MISPLACED


@dataclass
class _Play:
    """All states that steps can bring hosts to, and the limits that some of them breaks."""

    steps: Sequence[Step]
    pcpu: Mapping[str, float]
    before: Mapping[str, str]
    ceiling: float
    broken: set[str] = field(default_factory=set)
    seen: set[tuple[frozenset[str], frozenset[str]]] = field(default_factory=set)

    def from_here(self, done: frozenset[str], running: frozenset[str], at: Mapping[str, str]) -> None:
        """Judge this state and all that follow; steps of one VM are made in their turn."""
        if (done, running) in self.seen:
            return
        self.seen.add((done, running))
        arriving = [step for step in self.steps if step.id in running]
        start, now = self._load(self.before, ()), self._load(at, arriving)
        if any(now[host] > max(self.ceiling, start.get(host, BASE)) + 1e-6 for host in now):
            self.broken.add("host-load")
        for step in arriving:
            self.from_here(done | {step.id}, running - {step.id}, {**at, step.vm: step.target})
        for step in self._next(done, running):
            self.from_here(done, running | {step.id}, at)

    def _next(self, done: frozenset[str], running: frozenset[str]) -> Iterator[Step]:
        begun, waiting = done | running, set[str]()
        for step in self.steps:
            if step.id not in begun and done.issuperset(step.after) and step.vm not in waiting:
                yield step
            waiting |= {step.vm} if step.id not in done else set()

    def _load(self, at: Mapping[str, str], arriving: Sequence[Step]) -> dict[str, float]:
        load = dict.fromkeys([*at.values(), *(step.target for step in arriving)], BASE)
        for vm, host in [*at.items(), *((step.vm, step.target) for step in arriving)]:
            load[host] += self.pcpu[vm]
        return load


def _case(seed: int) -> tuple[Plan, Problem, dict[str, float], float]:
    """A plan under a ceiling that binds now and then, some of its relations taken out and sealed again."""
    chance = random.Random(seed)
    hosts = [f"h{number}" for number in range(chance.randint(2, 4))]
    pcpu = {f"v{number}": float(chance.choice([1, 2, 3, 4, 6])) for number in range(chance.randint(2, 6))}
    before, after = ({vm: chance.choice(hosts) for vm in pcpu} for _ in range(2))
    pool = pool_with(dict.fromkeys(hosts, ROOM_GIB), {vm: (host, 1.0) for vm, host in before.items()})
    loads = [BASE + sum(pcpu[vm] for vm in pcpu if at[vm] == host) for at in (before, after) for host in hosts]
    ceiling = max(loads) + chance.choice([-2, 0, 1, 2, 4])
    wanted: dict[str, Any] = {"limits": {"host_load": {"cpu": ceiling / PCPUS}}, "rules": {"set": "enforced"}}
    problem = problem_of(pool, demand=demand_of(pool, pcpu), policy=policy_of(**wanted))
    free = problem_of(pool, policy=policy_of(rules={"set": "enforced"}))
    order = find_order(Rulebook.of(free), goal_of(free, **after), seed=1)
    assert isinstance(order, Order)
    plan = plan_along(problem, goal_of(problem, **after), order.migrations)
    steps = [replace(step, after=tuple(each for each in step.after if chance.random() < 0.5)) for step in plan.steps]
    return sealed(replace(plan, steps=tuple(steps))), problem, pcpu, ceiling


@pytest.mark.parametrize("seeds", [range(start, start + 10) for start in range(0, 40, 10)])
def test_a_ceiling_on_load_holds_in_every_order(seeds: range) -> None:
    """Whatever relations are left, the plan is refused exactly where some order brings a host above the ceiling."""
    refused = 0
    for seed in seeds:
        plan, problem, pcpu, ceiling = _case(seed)
        play = _Play(plan.steps, pcpu, problem.initial.host_of, ceiling)
        play.from_here(frozenset(), frozenset(), problem.initial.host_of)
        found = verify_plan(plan, problem.pool, problem.demand, now=LATER)
        said = {each.rule for each in found if each.kind in STEPS and "way back" not in each.state}
        assert said == play.broken, seed
        refused += bool(said)
    assert 0 < refused < len(seeds)
