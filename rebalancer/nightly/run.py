"""One night: read the pool and its metrics, plan, write the plan down, and carry it out if told to.

Whoever executes holds the lock of the pool from before planning until the run is over. What runs is the plan as it was
written: it is read back from its folder.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import rebalancer as rb
from rebalancer.errors import ConnectionSettingsError, StoppedHalfWay
from rebalancer.execute import (
    Clock,
    Ending,
    PlanOrigin,
    RunReporter,
    RunResult,
    StopSignal,
    Timeouts,
    note_ends,
    plain_uuid,
    pool_lock,
    state_folder,
)
from rebalancer.inventory import Pool
from rebalancer.nightly.keeping import Keeper
from rebalancer.nightly.members import keep_pool, known_pool
from rebalancer.nightly.patience import patiently
from rebalancer.nightly.result import NightlyResult, Verdict
from rebalancer.policy import ChangeWindows, change_windows
from rebalancer.solve import SolveReporter

PLANNING_SHARE = 0.5
"""Part of what is left of an open window that planning may take of the wall clock; the rest is for the steps."""
VERDICTS: Mapping[Ending, Verdict] = {
    Ending.COMPLETE: Verdict.DONE,
    Ending.SET_ASIDE: Verdict.SET_ASIDE,
    Ending.HELD: Verdict.HELD,
    Ending.ON_HOLD: Verdict.ON_HOLD,
    Ending.CHANGED: Verdict.CHANGED,
    Ending.OVERLOADED: Verdict.OVERLOADED,
}
"""Of runs that ended well; every other one had no time left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where the coordinator is, and the way in."""

    url: str
    connection: rb.Connection


def access_of(policy: rb.Policy, base: Path, environment: Mapping[str, str] = os.environ) -> Access:
    """What the section `[pool]` of *policy* says, with paths relative to *base*, the folder of the policy file.

    Without a credentials file, user and password come from the *environment*. A night waits for a pool that is
    silent or not ready as long as a run does between two steps.

    Raises:
        ConnectionSettingsError: there is no URL, or what it needs is missing or cannot be used.
    """
    if not policy.pool.url:
        raise ConnectionSettingsError("pool.url of the policy", "it is missing", "Say there where the pool is")
    connection = rb.Connection.of_policy(policy, base)
    connection.trust()
    patient = replace(connection, patience_seconds=Timeouts().unreachable, waits_for_silence=True)
    return Access(url=policy.pool.url, connection=replace(patient, credentials=connection.login(environment)))


Planner = Callable[[rb.Model, datetime, SolveReporter, float], rb.Proposal]
"""Makes the plan for a model, at a time, within so many seconds of the wall clock."""


def rebalanced(model: rb.Model, made_at: datetime, reporter: SolveReporter, within: float) -> rb.Proposal:
    """The plan, made in this process."""
    return rb.rebalance(model, made_at=made_at, reporter=reporter, within=within)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchers:
    """Who hears of the solving, of the plan once it is kept, and of the run; what is kept; how its folder is told.

    `waiting` hears why a pool that does not answer is waited for.
    """

    solving: SolveReporter = field(default_factory=SolveReporter)
    planned: Callable[[NightlyResult], None] = lambda _result: None
    running: RunReporter = field(default_factory=RunReporter)
    keeper: Keeper = field(default_factory=Keeper)
    origin: Callable[[Path], PlanOrigin] = lambda folder: PlanOrigin(folder=str(folder))
    reading: Callable[[Callable[[], rb.PoolState]], rb.PoolState] = lambda read: read()
    waiting: Callable[[str], None] = lambda _words: None
    planner: Planner = rebalanced
    turn: Callable[[], AbstractContextManager[object]] = nullcontext


def plan_only(
    access: Access,
    policy: rb.Policy,
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
    heard = watchers or Watchers()
    time = clock or Clock()
    seen, _ = _seen(access, policy, state_dir, heard, time)
    return _planned(seen, policy, state_dir, time, heard, within=math.inf)


def plan_and_execute(
    access: Access,
    policy: rb.Policy,
    *,
    state_dir: Path | None = None,
    clock: Clock | None = None,
    watchers: Watchers | None = None,
    stop: StopSignal | None = None,
    timeouts: Timeouts | None = None,
) -> NightlyResult:
    """Plan as `plan_only` does, and carry the plan out if a window of *policy* is open and no approval is required.

    No step is started that would end after the window closes, by its estimate.

    Raises:
        MetricsRefused, Infeasible, NoLegalOrder, InputError, XapiError: as `plan_only` says; nothing was moved.
        PoolLocked: another run is writing to this pool.
        StalePlan: the pool changed between planning and the first step; nothing was moved.
        StoppedHalfWay: people have to look.
    """
    time, heard = clock or Clock(), watchers or Watchers()
    seen, connection = _seen(access, policy, state_dir, heard, time)
    with pool_lock(seen.pool.uuid, state_dir):
        note_ends(seen.pool, time.now(), state_dir)
        windows = change_windows(policy)
        made = _planned(seen, policy, state_dir, time, heard, within=left_for_planning(windows, time.now()))
        now = time.now()
        if not made.plan.steps:
            return made
        if policy.execution.require_approval:
            return replace(made, verdict=Verdict.UNAPPROVED)
        if not windows.is_open(now):
            return replace(made, verdict=Verdict.OUTSIDE, opens_at=windows.opens_at(now))
        plan = rb.load(made.folder)
        try:
            with heard.turn(), rb.connect(access.url, connection) as live:
                run = rb.apply(
                    plan,
                    live,
                    state_dir=state_dir,
                    reporter=heard.running,
                    clock=time,
                    stop=stop,
                    timeouts=timeouts,
                    origin=heard.origin(made.folder),
                )
        except StoppedHalfWay as stopped:
            raise stopped.of_plan(str(made.folder)) from stopped
        return replace(made, verdict=_verdict(run, made), run=run)


def _verdict(run: RunResult, made: NightlyResult) -> Verdict:
    found = VERDICTS.get(run.ending, Verdict.OUT_OF_TIME)
    return Verdict.CUT if found is Verdict.DONE and made.cut else found


def _seen(
    access: Access, policy: rb.Policy, state_dir: Path | None, heard: Watchers, time: Clock
) -> tuple[rb.PoolState, rb.Connection]:
    """The pool, and the way to it, with the addresses that its hosts had last night after those of the policy."""
    members = known_pool(access.url, state_dir).members
    connection = replace(access.connection, fallbacks=(*access.connection.fallbacks, *members))
    demand = heard.keeper.reads(policy.demand)

    def read() -> rb.PoolState:
        return heard.reading(lambda: rb.read(access.url, connection, demand=demand))

    found = patiently(read, policy, time, heard.waiting)
    seen = heard.keeper.seen(found, policy)
    keep_pool(access.url, seen.pool, state_dir)
    return seen, connection


def left_for_planning(windows: ChangeWindows, now: datetime) -> float:
    """Seconds of the wall clock that planning may take, so that an open window has time left for the steps."""
    closes_at = windows.closes_at(now) if windows.is_open(now) else None
    return math.inf if closes_at is None else PLANNING_SHARE * (closes_at - now).total_seconds()


def _planned(
    seen: rb.PoolState, policy: rb.Policy, state_dir: Path | None, clock: Clock, watchers: Watchers, *, within: float
) -> NightlyResult:
    made_at, model = clock.now(), rb.Model(seen, policy, state_dir=state_dir)
    plan = watchers.planner(model, made_at, watchers.solving, within)
    folder = plan_folder(seen.pool, made_at, state_dir)
    plan.save(folder)
    verdict = Verdict.PLANNED if plan.steps else Verdict.NOTHING_TO_DO
    result = NightlyResult(verdict=verdict, plan=plan, folder=folder, refused=seen.refused)
    watchers.planned(result)
    return result


def plan_folder(pool: Pool, made_at: datetime, state_dir: Path | None = None) -> Path:
    """Where the plan that was made for *pool* at *made_at* is kept: `plans/<pool>/<UTC date and time>`."""
    return state_folder(state_dir) / "plans" / plain_uuid(pool.uuid) / f"{made_at.astimezone(UTC):%Y-%m-%dT%H%M%SZ}"
