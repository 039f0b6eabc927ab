"""One night: read the pool and its metrics, plan, write the plan down, and carry it out if told to.

Whoever executes holds the lock of the pool from before planning until the run is over. What runs is the plan as it was
written: it is read back from its folder.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from rebalancer.demand import LoadProfile
from rebalancer.errors import MetricsRefused, StoppedHalfWay
from rebalancer.execute import (
    Clock,
    RunOptions,
    RunReporter,
    StopSignal,
    Timeouts,
    cooled,
    execute,
    journal_path,
    learned_pace,
    plain_uuid,
    pool_lock,
    state_folder,
)
from rebalancer.export import read_plan, write_plan
from rebalancer.inventory import Pool
from rebalancer.nightly.access import Access
from rebalancer.nightly.result import NightlyResult, Verdict
from rebalancer.planner.rebalance import rebalance
from rebalancer.policy import Policy
from rebalancer.policy.windows import change_windows
from rebalancer.problem import make_problem
from rebalancer.rules import Rulebook
from rebalancer.solve import SolveReporter
from rebalancer.xapi import connect, live_pool, measure, read_pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchers:
    """Who hears of the solving and of the run."""

    solving: SolveReporter = field(default_factory=SolveReporter)
    running: RunReporter = field(default_factory=RunReporter)


def plan_only(
    access: Access,
    policy: Policy,
    *,
    state_dir: Path | None = None,
    clock: Clock | None = None,
    watchers: Watchers | None = None,
) -> NightlyResult:
    """Read the pool behind *access*, plan by *policy*, and write the plan to the state folder; change nothing.

    Raises:
        MetricsRefused: the metrics are not good enough for what the policy wants.
        Infeasible: no placement satisfies the hard rules.
        NoLegalOrder: no order of migrations leads to one that does.
        InputError: the policy or the state folder cannot be used.
        XapiError: the pool cannot be read.
    """
    seen = _look(access, policy)
    return _planned(seen, policy, state_dir, clock or Clock(), watchers or Watchers())


def plan_and_execute(
    access: Access,
    policy: Policy,
    *,
    state_dir: Path | None = None,
    clock: Clock | None = None,
    watchers: Watchers | None = None,
    stop: StopSignal | None = None,
    timeouts: Timeouts | None = None,
) -> NightlyResult:
    """The same, and carry the plan out while a change window of *policy* is open; not where it has to be approved.

    No step is started that would end after the window closes, by its estimate.

    Raises:
        MetricsRefused, Infeasible, NoLegalOrder, InputError, XapiError: as `plan_only` says; nothing was moved.
        PoolLocked: another run is writing to this pool.
        StalePlan: the pool changed between planning and the first step; nothing was moved.
        StoppedHalfWay: people have to look.
    """
    seen, time, heard = _look(access, policy), clock or Clock(), watchers or Watchers()
    with pool_lock(seen.pool.uuid, state_dir):
        made = _planned(seen, policy, state_dir, time, heard)
        windows, now = change_windows(policy), time.now()
        if not made.plan.steps:
            return made
        if policy.execution.require_approval:
            return replace(made, verdict=Verdict.UNAPPROVED)
        if not windows.is_open(now):
            return replace(made, verdict=Verdict.OUTSIDE, opens_at=windows.opens_at(now))
        plan = read_plan(made.folder)
        try:
            with live_pool(access.url, access.credentials, access.trust) as live:
                options = RunOptions(
                    journal=journal_path(plan.digest, state_dir),
                    state_dir=state_dir,
                    reporter=heard.running,
                    clock=time,
                    stop=stop or StopSignal(),
                    timeouts=timeouts or Timeouts(),
                )
                run = execute(plan, live, options)
        except StoppedHalfWay as stopped:
            raise stopped.of_plan(str(made.folder)) from stopped
        return replace(made, verdict=Verdict.DONE if run.complete else Verdict.OUT_OF_TIME, run=run)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A pool, and its demand or why there is none."""

    pool: Pool
    demand: LoadProfile | None
    refused: MetricsRefused | None


def _look(access: Access, policy: Policy) -> _Seen:
    """The pool and its demand, in one session.

    Raises:
        MetricsRefused: the policy wants what cannot be planned without metrics.
    """
    with connect(access.url, access.credentials, access.trust) as session:
        pool = read_pool(session)
        try:
            return _Seen(pool=pool, demand=measure(session, pool, policy.demand), refused=None)
        except MetricsRefused as refused:
            if policy.mode.needs_demand:
                raise
            return _Seen(pool=pool, demand=None, refused=refused)


def _planned(seen: _Seen, policy: Policy, state_dir: Path | None, clock: Clock, watchers: Watchers) -> NightlyResult:
    """The plan for what was seen, written to its folder."""
    made_at = clock.now()
    wanted = cooled(policy, seen.pool, made_at, state_dir)
    problem, pace = make_problem(seen.pool, seen.demand, wanted), learned_pace(seen.pool.uuid, state_dir)
    plan = rebalance(Rulebook.of(problem), made_at=made_at, reporter=watchers.solving, pace=pace)
    folder = plan_folder(seen.pool, made_at, state_dir)
    write_plan(plan, folder)
    verdict = Verdict.PLANNED if plan.steps else Verdict.NOTHING_TO_DO
    return NightlyResult(verdict=verdict, plan=plan, folder=folder, refused=seen.refused)


def plan_folder(pool: Pool, made_at: datetime, state_dir: Path | None = None) -> Path:
    """Where the plan that was made for *pool* at *made_at* is kept: `plans/<pool>/<UTC date and time>`."""
    return state_folder(state_dir) / "plans" / plain_uuid(pool.uuid) / f"{made_at.astimezone(UTC):%Y-%m-%dT%H%M%SZ}"
