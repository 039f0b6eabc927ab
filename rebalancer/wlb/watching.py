"""Keeping the view of a pool fresh in the background: inventory, metrics and tonight's plan, each in its own thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Executor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import rebalancer as rb
from rebalancer.demand import LoadProfile
from rebalancer.errors import MetricsRefused, RebalancerError
from rebalancer.inventory import Pool, Uuid
from rebalancer.nightly.keeping import Keeper
from rebalancer.nightly.workers import planner_on
from rebalancer.solve import SolveReporter
from rebalancer.wlb.covering import covering, covers
from rebalancer.wlb.evacuating import BATCH, Evacuations, solved
from rebalancer.wlb.view import View

STALE_AFTER: Final = timedelta(minutes=10)
"""A view that is older is not answered from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often things are done, in seconds, and how long planning may take of the wall clock.

    Args:
        inventory: between two looks at what has changed.
        metrics: between two readings of metrics.
        plan: at least between two plans, and between two rounds of evacuations.
        planning: the most that one takes.
        evacuating: the most that a batch of evacuations takes.
        retry: after something went wrong.
    """

    inventory: float = 5.0
    metrics: float = 300.0
    plan: float = 60.0
    planning: float = 300.0
    evacuating: float = 60.0
    retry: float = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a pool is, and what is wanted of it."""

    uuid: Uuid
    url: str
    connection: rb.Connection
    policy: rb.Policy


@dataclass(slots=True, kw_only=True)
class Troubles:
    """What went wrong last, and has not gone well since: in words, empty where nothing did."""

    inventory: str = ""
    metrics: str = ""
    plan: str = ""
    evacuations: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Helpers:
    """Who does what watching needs: solves, keeps load, tells the time, hears of troubles."""

    planners: Executor
    keeper: Keeper = field(default_factory=Keeper)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    told: Callable[[str], None] = lambda _words: None


class PoolWatch:
    """The view of one pool, from `start` until `stop`."""

    def __init__(self, source: Source, helpers: Helpers, rhythm: Rhythm | None = None) -> None:
        self.source, self.troubles, self.evacuations = source, Troubles(), Evacuations()
        self._helpers, self._rhythm = helpers, rhythm or Rhythm()
        self._stop, self._measure, self._look = threading.Event(), threading.Event(), threading.Event()
        self._to_plan, self._to_empty, self._seen = threading.Event(), threading.Event(), threading.Condition()
        self._view: View | None = None
        self._plan: tuple[Pool, rb.Proposal] | None = None
        self._profile: LoadProfile | None = None
        self._refused: MetricsRefused | None = None
        self._looks = 0
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to watch."""
        for work in (self._watch_inventory, self._watch_metrics, self._watch_plans, self._watch_evacuations):
            thread = threading.Thread(target=work, name=f"{work.__name__} {self.source.uuid}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Watch no more; what is under way ends by itself."""
        self._stop.set()
        for event in (self._measure, self._look, self._to_plan, self._to_empty):
            event.set()

    def join(self, seconds: float) -> None:
        """Wait for what is under way, such as logging out of the pool; plans are not waited for."""
        self._threads[0].join(seconds)

    @property
    def view(self) -> View | None:
        """The pool as it was seen last; None before that, and where that is too long ago."""
        view = self._view
        return view if view and self._helpers.now() - view.seen_at <= STALE_AFTER else None

    @property
    def seen_at(self) -> datetime | None:
        """When the pool was seen last."""
        return self._view.seen_at if self._view else None

    @property
    def plan(self) -> rb.Proposal | None:
        """The plan that was made last; None before that, and where none could be made."""
        return self._plan[1] if self._plan else None

    def look_now(self, seconds: float) -> View | None:
        """The view after another look at the pool, begun now and awaited for so many *seconds*."""
        with self._seen:
            wanted = self._looks + 1
            self._look.set()
            self._seen.wait_for(lambda: self._looks >= wanted or self._stop.is_set(), seconds)
        return self.view

    def _watch_inventory(self) -> None:
        while not self._stop.is_set():
            try:
                with rb.connect(self.source.url, self.source.connection) as live:
                    while not self._stop.is_set():
                        self._look.clear()
                        self._have_seen(live.read())
                        self._look.wait(self._rhythm.inventory)
            except RebalancerError as error:
                self.troubles.inventory = self._trouble("inventory", error)
                self._stop.wait(self._rhythm.retry)

    def _have_seen(self, pool: Pool) -> None:
        seen_at, before, profile = self._helpers.now(), self._view, self._profile
        if before and before.model.state.pool == pool and before.profile is profile:
            view = replace_time(before, seen_at)
        else:
            view = self._new_view(pool, profile, seen_at)
            self._to_empty.set()
            if view.load is not None or not self.source.policy.mode.needs_demand:
                self._to_plan.set()
        with self._seen:
            self._view, self.troubles.inventory = view, ""
            self._looks += 1
            self._seen.notify_all()

    def _new_view(self, pool: Pool, profile: LoadProfile | None, seen_at: datetime) -> View:
        if profile is not None and not covers(profile, pool):
            self._measure.set()
        demand = None if profile is None else covering(profile, pool)
        state = rb.PoolState(pool=pool, demand=demand, refused=self._refused, source=self.source.url, taken_at=seen_at)
        view = View(model=rb.Model(state, self.source.policy), seen_at=seen_at, profile=profile)
        view.prepare()
        return view

    def _watch_metrics(self) -> None:
        keeper, policy = self._helpers.keeper, self.source.policy
        while not self._stop.is_set():
            self._measure.clear()
            try:
                found = rb.read(self.source.url, self.source.connection, demand=keeper.reads(policy.demand))
                kept = keeper.seen(found, policy) if found.demand is not None else found
                self._profile, self._refused = kept.demand, found.refused
                self.troubles.metrics = str(found.refused or "")
                self._look.set()
                pause = self._rhythm.metrics
            except RebalancerError as error:
                self.troubles.metrics = self._trouble("metrics", error)
                pause = self._rhythm.retry
            self._stop.wait(self._rhythm.retry) if self._measure.is_set() else self._measure.wait(pause)

    def _watch_plans(self) -> None:
        planner = planner_on(self._helpers.planners)
        while not self._stop.is_set():
            self._to_plan.wait()
            self._to_plan.clear()
            view = self._view
            if self._stop.is_set() or view is None:
                continue
            try:
                model = view.model
                plan = planner(model, self._helpers.now(), SolveReporter(), self._rhythm.planning)
                self._plan, self.troubles.plan = (model.state.pool, plan), ""
            except RebalancerError as error:
                self._plan, self.troubles.plan = None, self._trouble("plan", error)
            self._stop.wait(self._rhythm.plan)

    def _watch_evacuations(self) -> None:
        while not self._stop.is_set():
            self._to_empty.wait()
            self._to_empty.clear()
            while (view := self._view) is not None and not self._stop.is_set():
                hosts = self.evacuations.wanting(view, self._helpers.now())[:BATCH]
                if not hosts or not self._solve(view, hosts):
                    break
            self._stop.wait(self._rhythm.plan)

    def _solve(self, view: View, hosts: Sequence[Uuid]) -> bool:
        """Solve the evacuations of *hosts*; whether that went well."""
        state, policy, now = view.model.state, self.source.policy, self._helpers.now()
        try:
            found = self._helpers.planners.submit(solved, state, policy, hosts, now, self._rhythm.evacuating).result()
        except (RebalancerError, CancelledError, RuntimeError) as error:
            self.troubles.evacuations = self._trouble("evacuations", error)
            return False
        self.troubles.evacuations = ""
        self.evacuations.keep(found, view, now)
        return True

    def hurry(self, host: Uuid) -> None:
        """Have the evacuation of *host* solved next."""
        self.evacuations.hurry(host)
        self._to_empty.set()

    def _trouble(self, what: str, error: Exception) -> str:
        """*error* in words, told where it is another than before; what `stop` cuts short is no trouble."""
        if not self._stop.is_set() and str(error) != getattr(self.troubles, what):
            self._helpers.told(f"pool {self.source.uuid}: {what}: {error}")
        return str(error)


def replace_time(view: View, seen_at: datetime) -> View:
    """*view*, which was confirmed a moment ago, with everything that it has worked out."""
    found = replace(view, seen_at=seen_at)
    found.__dict__.update({key: value for key, value in view.__dict__.items() if key not in found.__dict__})
    return found
