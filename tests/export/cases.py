"""Plans of every sort, each with the pool and the demand that it was made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rebalancer.demand import LoadProfile
from rebalancer.inventory import Pool
from rebalancer.plan import Finding, Plan
from rebalancer.undo.undo import undo
from rebalancer.verify.verify import verify_plan
from tests.plan import crossed as crossing
from tests.plan.made import LATER, demand_of
from tests.planner import parts as partial
from tests.planner import stored as storage
from tests.planner.busy import PLAN, busy_pool
from tests.undo import undone


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A plan, and the pool and the demand that it was made from."""

    plan: Plan
    pool: Pool
    demand: LoadProfile | None = None

    def findings(self, plan: Plan) -> tuple[Finding, ...]:
        """What speaks against *plan* in that pool."""
        return verify_plan(plan, self.pool, self.demand, now=LATER)


def part() -> Case:
    """What is left of a plan without one of its VMs."""
    return Case(plan=partial.part("c"), pool=partial.three().pool, demand=partial.three().demand)


def back() -> Case:
    """The way back after all steps."""
    whole = undone.whole()
    pool = undone.at(undone.three().pool, **{vm: whole.predicted[vm] for vm in "abc"})
    return Case(plan=undo(whole, pool, made_at=LATER), pool=pool)


CASES: dict[str, Callable[[], Case]] = {
    "disks": lambda: Case(plan=storage.PLAN, pool=storage.PROBLEM.pool),
    "two pools": lambda: Case(plan=crossing.PLAN, pool=crossing.PROBLEM.pool),
    "a part": part,
    "the way back": back,
    "hops and load": lambda: Case(
        plan=PLAN, pool=busy_pool(), demand=demand_of(busy_pool(), {"big": 9.0, "web-1": 5.0})
    ),
}
