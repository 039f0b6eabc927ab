"""What a night adds to the history: load when the pool is read, and how it ended when it is over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from rebalancer.demand import LoadProfile
from rebalancer.errors import InputError
from rebalancer.execute import journal_path, read_journal
from rebalancer.export import read_plan
from rebalancer.history.checking import Carried, check_of, words_of
from rebalancer.history.ended import outcome_by
from rebalancer.history.fill import fill
from rebalancer.history.lengthen import lengthened
from rebalancer.history.mend import with_store
from rebalancer.history.nights import HeadRoom, NightRecord, append_night
from rebalancer.history.outcome import PlanOutcome, holds_plan, read_outcome, write_outcome
from rebalancer.history.place import HistoryPlace
from rebalancer.history.prune import Pruned, prune
from rebalancer.history.samples import keep_samples
from rebalancer.history.store import Store
from rebalancer.inventory import Pool
from rebalancer.objectives import cpu_capacities, host_load
from rebalancer.plan import Plan
from rebalancer.policy import Policy
from rebalancer.problem import make_problem
from rebalancer.units import HOURS_A_DAY

CHECKED_FOR = timedelta(days=8)
"""Hours are measured for a week: runs that ended earlier are not compared any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedBack:
    """What came of looking back: the load to plan on, how full the pool is, and what there is to tell."""

    demand: LoadProfile | None
    room: HeadRoom | None
    told: tuple[str, ...]


def keep_seen(place: HistoryPlace, pool: Pool, demand: LoadProfile | None, policy: Policy) -> LookedBack:
    """Keep the hours of *demand*, compare earlier runs with them, and look back as far as *policy* says.

    What cannot be kept is told, and planned is on what there is.
    """
    if demand is None:
        return LookedBack(demand=None, room=None, told=())
    told: list[str] = []

    def work(store: Store) -> LoadProfile:
        keep_samples(store, pool, demand)
        return lengthened(store, pool, demand, policy.demand)

    try:
        told += checked(place, pool, demand, policy)
        longer = with_store(place, work, told.append)
    except InputError as error:
        told.append(f"load is not kept tonight: {error}")
        longer = lengthened(None, pool, demand, policy.demand)
    return LookedBack(demand=longer, room=room_of(pool, longer, policy), told=tuple(told))


def keep_night(place: HistoryPlace, night: NightRecord, plan: Plan | None, policy: Policy) -> tuple[str, ...]:
    """Note how *night* ended, in the list of nights, the folder of its *plan* and the database; what went wrong.

    What is older than *policy* keeps it is removed.
    """
    told: list[str] = []

    def work(store: Store) -> Pruned:
        fill(store)
        return prune(store, policy, night.ended_at)

    try:
        append_night(night, place.state_dir)
        if plan and holds_plan(Path(night.folder)):
            write_outcome(_outcome(place, night, plan), Path(night.folder))
        removed = with_store(place, work, told.append)
        told += [f"removed, as history of the policy says: {removed}"] if removed.anything else []
    except InputError as error:
        told.append(f"the history is not up to date: {error}")
    return tuple(told)


def _outcome(place: HistoryPlace, night: NightRecord, plan: Plan) -> PlanOutcome:
    found = outcome_by(plan, read_journal(journal_path(plan.digest, place.state_dir)))
    at, words = found.ended_at or night.ended_at, found.words or night.words
    return replace(found, verdict=night.verdict, ended_at=at, words=words)


def checked(place: HistoryPlace, pool: Pool, demand: LoadProfile, policy: Policy) -> Iterator[str]:
    """Compare the runs of the last days with what was measured since, and write it beside their plans; what to tell.

    Raises:
        HistoryError: it cannot be written.
    """
    until: datetime | None = None
    for folder in reversed(list(_recent(place, pool, demand.window_end))):
        with suppress(InputError):
            plan = read_plan(folder)
            entries = read_journal(journal_path(plan.digest, place.state_dir))
            found = outcome_by(plan, entries)
            if not found.done or found.ended_at is None:
                continue
            carried = Carried(plan=plan, done=found.done, ended_at=found.ended_at, until=until)
            until = entries[0].at
            yield from _compared(carried, folder, found, pool, demand, most=policy.history.prediction_error)


def _compared(
    carried: Carried, folder: Path, found: PlanOutcome, pool: Pool, demand: LoadProfile, *, most: float
) -> Iterator[str]:
    old = read_outcome(folder)
    known = old.check if old else None
    if known and known.hours >= HOURS_A_DAY:
        return
    check = check_of(carried, pool, demand)
    if check and known:
        check = replace(check, elsewhere=known.elsewhere)  # VMs that later runs moved are no strangers
    write_outcome(replace(found, check=check), folder)
    if check and (known is None or check.hours > known.hours):
        yield from words_of(check, carried, most)


def _recent(place: HistoryPlace, pool: Pool, now: datetime) -> Iterator[Path]:
    """Plan folders of *pool* that are no older than hours are measured for."""
    first = f"{now - CHECKED_FOR:%Y-%m-%dT%H%M%SZ}"
    for folder in sorted((place.folder / "plans" / pool.uuid).glob("*")):
        if folder.name >= first and holds_plan(folder):
            yield folder


def room_of(pool: Pool, demand: LoadProfile, policy: Policy) -> HeadRoom:
    """How full *pool* is."""
    wanted = Policy(capacity=policy.capacity, demand=policy.demand)
    problem = make_problem(pool, demand, wanted)
    capacities = cpu_capacities(problem)
    load = host_load(problem.initial, problem)[capacities > 0].sum(axis=0)
    hosts = [host for host in pool.hosts.values() if host.live]
    return HeadRoom(
        capacity_pcpus=round(float(capacities.sum()), 3),
        busiest_pcpus=round(float(np.max(load, initial=0.0)), 3),
        memory_total_bytes=sum(host.memory_total_bytes or 0 for host in hosts),
        memory_used_bytes=sum(vm.migration_memory_bytes for vm in pool.resident_guests()),
    )
