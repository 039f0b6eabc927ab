"""What a plan comes to, in sentences, from its own steps and figures."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.objectives import HostsInUse
from rebalancer.plan.plan import HostState, LeftAlone, Plan
from rebalancer.plan.step import StepKind
from rebalancer.problem import Problem
from rebalancer.tier import TierResult
from rebalancer.units import counted, first_few, interval_in_words, size_in_words

SHOWN = 3
"""Held hosts and VMs that the summary names; more are counted."""
DIGITS = 12
"""Of a digest, in sentences."""


def summary_of(plan: Plan) -> str:
    """What *plan* comes to, in a sentence or two, whatever its own summary says."""
    steps, schedule = plan.steps, plan.schedule
    if not steps:
        found = "Nothing can be done" if plan.missing else "Nothing to do"
        return f"{found}: {plan.reason or 'every VM is where it should be'}.{_held(plan)}"
    hops = sum(step.kind is StepKind.HOP for step in steps)
    size = size_in_words(sum(step.copied_bytes for step in steps))
    count = counted(len(steps), "step")
    parked = f", {hops} of them to park a VM" if hops else ""
    length = interval_in_words(schedule.seconds_low, schedule.seconds, schedule.seconds_high)
    gains = "; ".join(_gain(tier) for tier in plan.tiers if round(tier.before, 3) != round(tier.after, 3))
    cost = f"{count}{parked}, {size} to copy, {length}"
    return f"{_part(plan)}{cost}{': ' if gains else ''}{gains}.{load_told(plan)}{_emptied(plan)}{_held(plan)}"


def _part(plan: Plan) -> str:
    count, undoes = len(plan.missing), plan.made_from.undoes
    if undoes:
        but = f" but for {counted(count, 'VM')}" if count else ""
        return f"Takes back plan {short(undoes)}{but}: "
    return f"Incomplete, {counted(count, 'move is', 'moves are')} missing: " if count else ""


def short(digest: str) -> str:
    """The first digits of *digest*: enough to tell plans of one pool apart."""
    return digest.removeprefix("sha256:")[:DIGITS]


def busiest(plan: Plan) -> tuple[float, float]:
    """The share of its CPU that the busiest host uses in its busiest hour, before and after."""
    ends = ([row.before for row in plan.hosts], [row.after for row in plan.hosts])
    before, after = (max((state.peak_share or 0.0 for state in end), default=0.0) for end in ends)
    return before, after


def load_told(plan: Plan) -> str:
    """The busiest host-hour and what is above the threshold, before and after; "" where nothing ever is."""
    threshold, shares = plan.policy.objective.threshold, busiest(plan)
    if max(shares) <= threshold:
        return ""
    before, after = [row.before for row in plan.hosts], [row.after for row in plan.hosts]
    hottest = f"Busiest host-hour: {shares[0]:.0%} before, {shares[1]:.0%} after."
    overload = (
        f"Overload (above {threshold:.0%}): {_above(before, threshold)} before, {_above(after, threshold)} after."
    )
    return f" {hottest} {overload}"


def _above(states: Sequence[HostState], threshold: float) -> str:
    """The plain pCPU-hours above *threshold* and the hosts that have them; the hosts alone in plans of old versions."""
    hosts = sum((state.peak_share or 0.0) > threshold for state in states)
    known = [state.overload_pcpu_hours for state in states if state.overload_pcpu_hours is not None]
    if not hosts:
        return "none"
    return f"{sum(known):.4g} pCPU-hours on {counted(hosts, 'host')}" if known else counted(hosts, "host")


def _emptied(plan: Plan) -> str:
    if not any(tier.objective == HostsInUse.id for tier in plan.tiers):
        return ""
    names = [row.name for row in plan.hosts if row.before.vms and not row.after.vms]
    return f" Nobody is left on {', '.join(names)}." if names else ""


def _held(plan: Plan) -> str:
    if not plan.held:
        return ""
    said = [f"{each.kind.replace('vm', 'VM')} {each.name}{_with(each.guests)}" for each in plan.held]
    return f" Held as {'it is' if len(said) == 1 else 'they are'}: {first_few(said, SHOWN)}."


def _with(guests: int) -> str:
    return f" with {counted(guests, 'VM')}" if guests else ""


def _gain(tier: TierResult) -> str:
    return f"{tier.objective} from {tier.before:.4g} to {tier.after:.4g} {tier.unit}"


def general_warnings(problem: Problem, no_way_back: Sequence[LeftAlone]) -> tuple[str, ...]:
    """What a reviewer should know besides the steps."""
    names = problem.names.vms
    relaxed = [
        f"the policy does without the documented rule {rule}" for rule in sorted(set(problem.policy.rules.relax))
    ]
    zone = problem.policy.timezone
    stranded = [f"VM {each.name} has no legal way back: {each.words} [{each.rule}]" for each in no_way_back]
    unmeasured = ["made without metrics: load was not looked at"] if problem.demand is None else []
    off = problem.demand.clocks.sentences(problem.names.hosts) if problem.demand and problem.demand.clocks else ()
    dangling = [f"the inventory has a reference that leads nowhere: {each}" for each in problem.pool.dangling]
    failed = [
        f"VM {names[each.vm]}: {each.words(zone)}"
        for each in problem.policy.cooling
        if each.failed_at and each.vm in names
    ]
    return (*unmeasured, *off, *relaxed, *failed, *stranded, *dangling)
