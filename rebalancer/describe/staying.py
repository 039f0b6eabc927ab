"""Why a VM stays that may go elsewhere: what the policy's limits leave no room for, or what would not pay."""

from __future__ import annotations

from rebalancer.describe.limits import over_limits
from rebalancer.inventory import VM
from rebalancer.objectives import Balance
from rebalancer.placement import Placement
from rebalancer.policy import Mode
from rebalancer.problem import Problem

DOES_NOT_PAY = "does-not-pay"
"""In the place of a rule: the VM may move, but the plan is better without that move."""
LIMITS = "limits"
"""In the place of a rule: the plan makes as many moves, or copies as much, as the policy allows."""


def not_worth_it(vm: VM, goal: Placement, problem: Problem) -> tuple[str, str]:
    """What stands in the place of a rule, and why a plan that leads to *goal* leaves *vm* where it is, in words."""
    limits = problem.policy.limits
    moving = [*(problem.pool.vms[move.vm] for move in problem.initial.moves_to(goal)), vm]
    sizes = [each.migration_memory_bytes for each in moving]
    if over := over_limits(limits, moves=len(moving), sizes_bytes=sizes):
        return LIMITS, f"the plan goes as far as its limits allow; with that move {over}"
    least = f"limits.minimum_gain_pcpu_hours, {limits.minimum_gain_pcpu_hours:g}"
    if _asks_for_gain(problem) and _gain(goal, problem) < limits.minimum_gain_pcpu_hours:
        return DOES_NOT_PAY, f"no moves were found that gain as many pCPU-hours as the policy asks for ({least})"
    return DOES_NOT_PAY, "the plan is better, or has room only, without that move"


def _asks_for_gain(problem: Problem) -> bool:
    """Whether moves have to gain something in load."""
    return problem.demand is not None and problem.policy.mode in {Mode.BALANCE, Mode.CONSOLIDATE}


def _gain(goal: Placement, problem: Problem) -> float:
    """pCPU-hours that the plan gains, all that its moves cost taken off."""
    return Balance().value(problem.initial, problem) - Balance().value(goal, problem)
