"""What ends of plans are worth, what the policy's limits allow, and why a VM that may move stays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rebalancer.describe.figures import DECIMALS
from rebalancer.inventory import VM
from rebalancer.objectives import OBJECTIVES, Balance, Level, LowerPeak, Peak, gaining
from rebalancer.placement import Placement
from rebalancer.plan.cut import LIMITS
from rebalancer.policy import LimitsPolicy, Mode
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.tier import HeldTo, TierResult, meets
from rebalancer.units import counted, gib

ROUNDING_GIB = 1e-6
DOES_NOT_PAY = "does-not-pay"
"""In the place of a rule: the VM may move, but the plan is better without that move."""
NOT_PROVED = "not-proved"
"""In the place of a rule: the VM may move, and time ran out before it was known whether that pays."""


def tiers_at(end: Placement, tiers: Sequence[TierResult], book: Rulebook) -> tuple[TierResult, ...]:
    """*tiers* of another placement as they come out where the VMs end at *end*.

    A bound holds while every tier before it comes out as it did, and *end* keeps what it is conditioned on; after that
    none is known but 0. Peaks are left out: which hosts count for them only the solver knows.
    """
    held, found = True, list[TierResult]()
    for tier in [each for each in tiers if each.objective not in {Peak.id, LowerPeak.id}]:
        after = _value(tier.objective, end, book)
        held = held and all(_keeps(end, each, book) for each in tier.held)
        same = held and after == tier.after
        bound, given = (min(tier.bound, after), tier.held) if held else (0.0, ())
        found.append(replace(tier, after=after, bound=bound, proved=same and tier.proved, held=given))
        held = same
    return tuple(found)


def _keeps(end: Placement, condition: HeldTo, book: Rulebook) -> bool:
    """Whether *end* has no more of an objective than a bound is conditioned on; of peaks nobody knows."""
    if condition.objective in {Peak.id, LowerPeak.id}:
        return False
    value = _value(condition.objective, end, book)
    return value <= condition.most or meets(value, condition.most)


def _value(objective: str, end: Placement, book: Rulebook) -> float:
    return round(next(each for each in OBJECTIVES if each.id == objective).value(end, book), DECIMALS)


def rank(end: Placement, tiers: Sequence[TierResult], problem: Problem) -> tuple[float, ...]:
    """What ends are compared by, smaller is better: VMs left on hosts that are evacuated, then the objectives."""
    return (_left(end, problem), *_values([(tier.objective, tier.after) for tier in tiers]))


def _values(values: Sequence[tuple[str, float]]) -> Iterator[float]:
    """The *values* of objectives in order; where load is levelled, that is weighed against what it spends."""
    levelled = sum(value for objective, value in values if objective == Level.id)
    for objective, value in values:
        yield value + levelled if objective == Balance.id else value


def is_worth_it(end: Placement, tiers: Sequence[TierResult], problem: Problem) -> bool:
    """Whether *end* is better than staying, and by as much as the policy asks for."""
    before = (_left(problem.initial, problem), *_values([(tier.objective, tier.before) for tier in tiers]))
    after, main = rank(end, tiers, problem), gaining(problem.policy).id
    better = after < before
    pairs = zip(tiers, before[1:], after[1:], strict=True)
    gained = next(((tier, was - now) for tier, was, now in pairs if was != now), None)
    if better and gained and gained[0].objective == main and problem.policy.mode is not Mode.EVACUATE:
        return gained[1] >= problem.policy.limits.minimum_gain_pcpu_hours
    return better


def _left(end: Placement, problem: Problem) -> float:
    """VMs on hosts that the mode is to evacuate; in other modes they are among the repairs."""
    if problem.policy.mode is not Mode.EVACUATE:
        return 0.0
    return float(sum(host in problem.intent.empty for host in end.host_of.values()))


def over_limits(limits: LimitsPolicy, *, moves: int, sizes_bytes: Sequence[int]) -> str:
    """How a plan exceeds *limits*, in words; "" where it does not.

    Args:
        limits: the policy's.
        moves: VMs that end on another host.
        sizes_bytes: what each step copies.
    """
    if limits.maximum_moves is not None and moves > limits.maximum_moves:
        return f"{counted(moves, 'VM moves', 'VMs move')}, where the policy allows {limits.maximum_moves}"
    copied = gib(sum(sizes_bytes))
    if limits.maximum_gib is not None and copied > limits.maximum_gib + ROUNDING_GIB:
        return f"{copied:.1f} GiB are copied, where the policy allows {limits.maximum_gib:g}"
    return ""


def not_worth_it(vm: VM, goal: Placement, book: Rulebook, unfinished: Sequence[str] = ()) -> tuple[str, str]:
    """What stands in the place of a rule, and why a plan that leads to *goal* leaves *vm* where it is, in words.

    Nothing is said to be of no use where time ran out, in the *unfinished* objectives, before that was known.
    """
    problem, limits = book.problem, book.problem.policy.limits
    moving = [*(problem.pool.vms[move.vm] for move in problem.initial.moves_to(goal)), vm]
    sizes = [each.migration_memory_bytes for each in moving]
    if over := over_limits(limits, moves=len(moving), sizes_bytes=sizes):
        return LIMITS, f"the plan goes as far as its limits allow; with that move {over}"
    asked = problem.demand is not None and problem.policy.mode in {Mode.BALANCE, Mode.CONSOLIDATE}
    if unfinished:
        told = f"no better plan with that move was found; not proved: time ran out in {' and '.join(unfinished)}"
        return NOT_PROVED, told
    least = f"limits.minimum_gain_pcpu_hours, {limits.minimum_gain_pcpu_hours:g}"
    if asked and _gain(goal, book) < limits.minimum_gain_pcpu_hours:
        return DOES_NOT_PAY, f"no moves were found that gain as many pCPU-hours as the policy asks for ({least})"
    return DOES_NOT_PAY, "the plan is better, or has room only, without that move"


def _gain(goal: Placement, book: Rulebook) -> float:
    """pCPU-hours that the plan gains, all that its moves cost taken off unless load comes first."""
    main = gaining(book.problem.policy)
    return main.value(book.problem.initial, book) - main.value(goal, book)
