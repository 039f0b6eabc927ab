"""Putting a plan together once placement and order are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from importlib.metadata import version

from rebalancer.describe.demand import demand_warnings
from rebalancer.describe.disks import ejected, ejections, sr_rows
from rebalancer.describe.figures import host_rows, load_of, metrics_of
from rebalancer.describe.ha_margin import ha_margins
from rebalancer.describe.reasons import Reasons
from rebalancer.describe.refused import refused_hosts
from rebalancer.describe.summary import general_warnings, summary_of
from rebalancer.inventory import Uuid
from rebalancer.inventory.digest import inventory_digest
from rebalancer.inventory.renaming import names_in
from rebalancer.legality.held import held_as_they_are
from rebalancer.placement import Migration
from rebalancer.plan.document import sealed
from rebalancer.plan.duration import NO_EXPERIENCE, Pace
from rebalancer.plan.made_from import MadeFrom, PoolBeside
from rebalancer.plan.plan import FORMAT, Plan
from rebalancer.plan.step import Step
from rebalancer.planner.way_back import way_back
from rebalancer.policy import intent_digest, policy_digest
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.schedule.schedule import schedule_of
from rebalancer.schedule.steps import steps_of
from rebalancer.solve import Solution
from rebalancer.version import __version__

PACKAGES = ("ortools", "networkx", "numpy")
"""Whose versions decide what a plan looks like, beside our own."""
SCHEDULE_EFFORT = 0.2
"""CP-SAT's deterministic seconds for a shorter timetable; that of the way back is listed only."""


Numbering = Callable[[tuple[Step, ...]], tuple[Step, ...]]
"""Steps with other ids."""


def _as_made(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    return steps


def compose(
    book: Rulebook,
    solution: Solution,
    migrations: Sequence[Migration],
    made_at: datetime,
    *,
    pace: Pace = NO_EXPERIENCE,
    why: Sequence[str] = (),
    numbered: Numbering = _as_made,
) -> Plan:
    """The plan that carries out *migrations*, an order in which all of them are legal.

    Args:
        book: the rules, before the plan.
        solution: the placement that the migrations lead to, and what it is worth.
        migrations: the migrations.
        made_at: the time, with a zone; the only clock that a plan knows.
        pace: how long steps take.
        why: a reason for each migration, where somebody knows better than what load and rules tell.
        numbered: the steps with ids of another plan, where they are known by those.
    """
    problem = book.problem
    reasons = Reasons(book, solution.placement, missing=solution.missing, unfinished=solution.unfinished)
    given = why or reasons.without_figures(migrations)
    steps = steps_of(migrations, book, given, pace=pace, effort=SCHEDULE_EFFORT)
    steps = numbered(_with_hosts_and_cds(_with_figures(steps, None if why else reasons), book))
    rollback, no_way_back = way_back(migrations, book, seed=problem.policy.limits.seed, pace=pace)
    plan = Plan(
        format=FORMAT,
        made_at=made_at,
        expires_at=made_at + timedelta(hours=problem.policy.plan.expires_hours),
        made_from=_made_from(
            problem, pace, solution.undoes, {move.vm for move in migrations} | {each.vm for each in solution.missing}
        ),
        summary="",
        outcome=str(solution.outcome),
        reason=solution.reason,
        bound_by=solution.bound_by,
        tiers=solution.tiers,
        steps=steps,
        missing=solution.missing,
        schedule=schedule_of(steps, problem, made_at),
        hosts=host_rows(book, solution.placement, steps),
        srs=sr_rows(problem, solution.placement),
        load=load_of(problem, {step.vm for step in steps}),
        left_alone=reasons.left_alone(),
        old_violations=reasons.old_violations(),
        warnings=(
            *solution.warnings,
            *reasons.new_violations(),
            *ejections(steps, problem),
            *general_warnings(problem, no_way_back),
            *demand_warnings(problem),
        ),
        rollback=rollback,
        no_way_back=no_way_back,
        digest="",
        held=held_as_they_are(problem),
        ha=ha_margins(steps, problem),
    )
    return sealed(replace(plan, summary=summary_of(plan)))


def _with_figures(steps: tuple[Step, ...], reasons: Reasons | None) -> tuple[Step, ...]:
    """*steps* with what each changes, which depends on the order in which they are launched; as they are without."""
    if reasons is None:
        return steps
    told = reasons.of([step.migration for step in steps])
    return tuple(replace(step, why=words) for step, words in zip(steps, told, strict=True))


def _with_hosts_and_cds(steps: tuple[Step, ...], book: Rulebook) -> tuple[Step, ...]:
    """*steps* with the hosts that may not take their VMs, and the CDs that are ejected."""
    return tuple(
        replace(step, refused=refused_hosts(step.vm, book), ejects=ejected(step, book.problem)) for step in steps
    )


def _made_from(problem: Problem, pace: Pace, undoes: str | None, about: set[Uuid]) -> MadeFrom:
    """What a plan *about* some VMs is bound to; of the policy every default, so that no later one changes the plan."""
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
        versions={"rebalancer": __version__, **{package: version(package) for package in PACKAGES}},
        seed=problem.policy.limits.seed,
        part_of=None,
        beside=tuple(others),
        undoes=undoes,
        intent_digest=intent_digest(problem.intent),
        names=names_in(problem.pool, about),
    )
