"""Putting a plan together once placement and order are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version

from rebalancer.inventory.digest import inventory_digest
from rebalancer.objectives import HostsInUse
from rebalancer.placement import Placement
from rebalancer.plan.disks import ejections, sr_rows
from rebalancer.plan.document import sealed
from rebalancer.plan.duration import NO_EXPERIENCE, Pace
from rebalancer.plan.figures import host_rows, load_of, metrics_of
from rebalancer.plan.plan import FORMAT, HostRow, LeftAlone, MadeFrom, Missing, Plan, PoolBeside, Schedule, Tier
from rebalancer.plan.rollback import way_back
from rebalancer.plan.schedule import schedule_of
from rebalancer.plan.search import Leg
from rebalancer.plan.step import Step, StepKind
from rebalancer.plan.steps import steps_of
from rebalancer.plan.why import Reasons
from rebalancer.policy.load import policy_digest
from rebalancer.problem import Problem
from rebalancer.rules import Legality, Rule
from rebalancer.units import SECONDS_PER_HOUR, counted, size_in_words

PACKAGES = ("rebalancer", "ortools", "networkx", "numpy")
"""Whose versions decide what a plan looks like."""
SECONDS_PER_MINUTE = 60
DIGITS = 12
"""Of a digest, in sentences."""
SCHEDULE_EFFORT = 0.2
"""CP-SAT's deterministic seconds for a shorter timetable; that of the way back is listed only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What was chosen, in values of the plan: `outcome` in a word, `reason` in words, the plan that it `undoes`."""

    goal: Placement
    tiers: tuple[Tier, ...]
    outcome: str
    reason: str
    bound_by: str = ""
    warnings: tuple[str, ...] = ()
    missing: tuple[Missing, ...] = ()
    undoes: str | None = None


def compose(
    problem: Problem,
    rules: Sequence[Rule],
    chosen: Chosen,
    legs: Sequence[Leg],
    made_at: datetime,
    *,
    pace: Pace = NO_EXPERIENCE,
    why: Sequence[str] = (),
) -> Plan:
    """The plan that carries out *legs*, an order in which all of them are legal.

    Args:
        problem: the pool before the plan.
        rules: the rules that bind.
        chosen: the placement that the legs lead to, and what it is worth.
        legs: the migrations.
        made_at: the time, with a zone; the only clock that a plan knows.
        pace: how long steps take.
        why: a reason for each leg, where somebody knows better than what load and rules tell.
    """
    reasons = Reasons(problem, Legality(problem, rules), chosen.goal)
    steps = steps_of(legs, problem, rules, why or reasons.of(legs), pace=pace, effort=SCHEDULE_EFFORT)
    rows = host_rows(problem, chosen.goal, steps)
    schedule = schedule_of(steps, problem, made_at)
    rollback, no_way_back = way_back(legs, problem, rules, seed=problem.policy.limits.seed, pace=pace)
    return sealed(
        Plan(
            format=FORMAT,
            made_at=made_at,
            expires_at=made_at + timedelta(hours=problem.policy.plan.expires_hours),
            made_from=_made_from(problem, pace, chosen.undoes),
            summary=summary_of(steps, schedule, chosen, rows, problem.policy.objective.threshold),
            outcome=chosen.outcome,
            reason=chosen.reason,
            bound_by=chosen.bound_by,
            tiers=chosen.tiers,
            steps=steps,
            missing=chosen.missing,
            schedule=schedule,
            hosts=rows,
            srs=sr_rows(problem, chosen.goal),
            load=load_of(problem, {step.vm for step in steps}),
            left_alone=reasons.left_alone(),
            old_violations=reasons.old_violations(),
            warnings=(
                *chosen.warnings,
                *reasons.new_violations(),
                *ejections(steps, problem),
                *_warnings(problem, no_way_back),
            ),
            rollback=rollback,
            no_way_back=no_way_back,
            digest="",
        )
    )


def _made_from(problem: Problem, pace: Pace, undoes: str | None) -> MadeFrom:
    """What the plan is bound to; the policy is spelled out, so that no later default changes what was reviewed."""
    policy = problem.policy.spelled_out()
    first, *others = (
        PoolBeside(pool=part.uuid, pool_name=part.name, inventory_digest=inventory_digest(part))
        for part in problem.pool.parts
    )
    return MadeFrom(
        pool=first.pool,
        pool_name=first.pool_name,
        inventory_digest=first.inventory_digest,
        metrics=metrics_of(problem.demand),
        policy_digest=policy_digest(policy),
        policy=policy,
        pace=pace,
        versions=_versions(),
        seed=problem.policy.limits.seed,
        part_of=None,
        beside=tuple(others),
        undoes=undoes,
    )


def _versions() -> Mapping[str, str]:
    """Versions of what made the plan; `unknown` where a package runs without being installed."""
    return {package: _version(package) for package in PACKAGES}


def _version(package: str) -> str:
    """The version of one package."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def summary_of(
    steps: Sequence[Step], schedule: Schedule, chosen: Chosen, rows: Sequence[HostRow], threshold: float
) -> str:
    """What the plan comes to, in a sentence or two."""
    if not steps:
        found = "Nothing can be done" if chosen.missing else "Nothing to do"
        return f"{found}: {chosen.reason or 'every VM is where it should be'}."
    hops = sum(step.kind is StepKind.HOP for step in steps)
    size = size_in_words(sum(step.copied_bytes for step in steps))
    count = counted(len(steps), "step")
    parked = f", {hops} of them to park a VM" if hops else ""
    length = interval_in_words(schedule.seconds_low, schedule.seconds, schedule.seconds_high)
    gains = "; ".join(_gain(tier) for tier in chosen.tiers if round(tier.before, 3) != round(tier.after, 3))
    cost = f"{count}{parked}, {size} to copy, {length}"
    return f"{_part(chosen)}{cost}{': ' if gains else ''}{gains}.{_cooled(rows, threshold)}{_emptied(chosen, rows)}"


def _part(chosen: Chosen) -> str:
    """Which plan is taken back, and that moves are missing, where some are."""
    count = len(chosen.missing)
    if chosen.undoes:
        but = f" but for {counted(count, 'VM')}" if count else ""
        return f"Takes back plan {short(chosen.undoes)}{but}: "
    return f"Incomplete, {counted(count, 'move is', 'moves are')} missing: " if count else ""


def short(digest: str) -> str:
    """The first digits of *digest*: enough to tell plans of one pool apart."""
    return digest.removeprefix("sha256:")[:DIGITS]


def _cooled(rows: Sequence[HostRow], threshold: float) -> str:
    """How many hosts are over the threshold, before and after."""
    before = sum((row.before.peak_share or 0.0) > threshold for row in rows)
    after = sum((row.after.peak_share or 0.0) > threshold for row in rows)
    return f" Hosts over their threshold: {before} before, {after} after." if before or after else ""


def _emptied(chosen: Chosen, rows: Sequence[HostRow]) -> str:
    """Which hosts nobody is left on, where that was the aim."""
    if not any(tier.objective == HostsInUse.id for tier in chosen.tiers):
        return ""
    names = [row.name for row in rows if row.before.vms and not row.after.vms]
    return f" Nobody is left on {', '.join(names)}." if names else ""


def _gain(tier: Tier) -> str:
    """What one objective gains or costs."""
    return f"{tier.objective} from {tier.before:.4g} to {tier.after:.4g} {tier.unit}"


def duration_in_words(seconds: float) -> str:
    """`40 s`, `12 min`, `3.5 h`."""
    if seconds < 2 * SECONDS_PER_MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * SECONDS_PER_HOUR:
        return f"{seconds / SECONDS_PER_MINUTE:.0f} min"
    return f"{seconds / SECONDS_PER_HOUR:.1f} h"


def interval_in_words(low: float, likely: float, high: float) -> str:
    """`about 12 min (8 to 24 min)`."""
    short, middle, long = (duration_in_words(seconds) for seconds in (low, likely, high))
    alike = short.rpartition(" ")[2] == long.rpartition(" ")[2]
    return f"about {middle} ({short.rpartition(' ')[0] if alike else short} to {long})"


def _warnings(problem: Problem, no_way_back: Sequence[LeftAlone]) -> tuple[str, ...]:
    """What a reviewer should know besides the steps."""
    relaxed = [
        f"the policy does without the documented rule {rule}" for rule in sorted(set(problem.policy.rules.relax))
    ]
    stranded = [f"VM {each.name} has no legal way back: {each.words} [{each.rule}]" for each in no_way_back]
    unmeasured = ["made without metrics: load was not looked at"] if problem.demand is None else []
    dangling = [f"the inventory has a reference that leads nowhere: {each}" for each in problem.pool.dangling]
    return (*unmeasured, *relaxed, *stranded, *dangling)
