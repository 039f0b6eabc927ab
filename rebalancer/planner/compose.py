"""Putting a plan together once placement and order are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version

from rebalancer.describe.disks import ejections, sr_rows
from rebalancer.describe.figures import host_rows, load_of, metrics_of
from rebalancer.describe.reasons import Reasons
from rebalancer.describe.summary import Chosen, general_warnings, summary_of
from rebalancer.inventory.digest import inventory_digest
from rebalancer.plan.document import sealed
from rebalancer.plan.duration import NO_EXPERIENCE, Pace
from rebalancer.plan.leg import Leg
from rebalancer.plan.plan import FORMAT, MadeFrom, Plan, PoolBeside
from rebalancer.planner.way_back import way_back
from rebalancer.policy.digest import policy_digest
from rebalancer.problem import Problem
from rebalancer.rules import Legality, Rule
from rebalancer.schedule.schedule import schedule_of
from rebalancer.schedule.steps import steps_of

PACKAGES = ("rebalancer", "ortools", "networkx", "numpy")
"""Whose versions decide what a plan looks like."""
SCHEDULE_EFFORT = 0.2
"""CP-SAT's deterministic seconds for a shorter timetable; that of the way back is listed only."""


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
    reasons = Reasons(problem, Legality(problem, rules), chosen.goal, missing=chosen.missing)
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
                *general_warnings(problem, no_way_back),
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
