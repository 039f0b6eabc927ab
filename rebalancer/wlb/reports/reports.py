"""The reports that XenCenter asks for by name, of the time that it names in days from today."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from rebalancer.history.store import Store
from rebalancer.inventory import Host
from rebalancer.units import MIB
from rebalancer.wlb.reports import layouts
from rebalancer.wlb.reports.dataset import Layout, Row, Value, document
from rebalancer.wlb.reports.past import HOUR, HostHours, past_of
from rebalancer.wlb.view import View

CPU_LEVELS: Final = {"critical": 1.0, "high": 0.85, "medium": 0.5, "low": 0.15}
"""Parts of the threshold, as XenCenter spaces them."""
MEMORY_LEVELS: Final = {"critical": 1.0, "high": 1.25, "medium": 10.0, "low": 20.0}
"""Multiples of the memory that the policy keeps free, likewise."""
MOST_DAYS: Final = 92
FEWEST_DAYS: Final = -3660
FARTHEST_MINUTES: Final = 14 * 60
NO_REASON: Final = 0
"""The history does not keep why."""
DEFINITIONS: Final = "get_report_definitions"
"""Asked for before any report; where it comes empty, XenCenter takes the layouts that it brings along."""


class NoSuchReport(Exception):
    """It cannot be made; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest:
    """Which time a report is about, on the clock of whoever asked: from `since` on, before `until`, both UTC.

    `offset` is what that clock is ahead of UTC; `host` the uuid of the host, empty where it is about a pool.
    """

    since: datetime
    until: datetime
    offset: timedelta
    host: str = ""

    @classmethod
    def of(cls, parms: Mapping[str, str], now: datetime) -> ReportRequest:
        """What the parameters of a call say: `Start` and `End` in days from today, both of them included.

        Raises:
            NoSuchReport: they are no whole numbers, too many days, or the wrong way round.
        """
        minutes = _whole(parms, "UTCOffset", 0, FARTHEST_MINUTES)
        first, last = _whole(parms, "Start", -7, -FEWEST_DAYS), _whole(parms, "End", 0, -FEWEST_DAYS)
        if not 0 <= last - first < MOST_DAYS:
            raise NoSuchReport(f"a report is of 1 to {MOST_DAYS} days, and {first} to {last} is not")
        offset = timedelta(minutes=minutes)
        midnight = (now.astimezone(UTC) + offset).replace(hour=0, minute=0, second=0, microsecond=0) - offset
        until = min(now.astimezone(UTC), midnight + timedelta(days=last + 1))
        return cls(since=midnight + timedelta(days=first), until=until, offset=offset, host=parms.get("HostID", ""))

    def local(self, moment: datetime) -> datetime:
        """*moment*, UTC, on the clock of whoever asked."""
        return moment + self.offset

    def stamps(self, moment: datetime) -> dict[str, Value]:
        """The day and the hour of *moment* as columns; hours are text that sorts."""
        local = self.local(moment)
        day = local.replace(hour=0, minute=0, second=0, microsecond=0)
        return {"day": day, "hour": f"{local:%Y-%m-%d %H:00}"}


def _whole(parms: Mapping[str, str], name: str, usual: int, most: int) -> int:
    try:
        found = int(parms.get(name, usual))
    except ValueError:
        found = most + 1
    if abs(found) > most:
        raise NoSuchReport(f"{name} is {parms[name]!r}, and should be a whole number from {-most} to {most}")
    return found


def is_about(view: View, parms: Mapping[str, str]) -> bool:
    """Whether the parameters of a report name the pool of *view*, or one of its hosts."""
    pool = view.problem.pool
    return parms.get("PoolID") == pool.uuid or parms.get("HostID") in pool.hosts


def report(name: str, view: View, store: Store, asked: ReportRequest) -> str:
    """The document of a report.

    Raises:
        NoSuchReport: this server makes none of that *name*, or knows no such host.
        HistoryError: the database cannot be used.
    """
    if name not in REPORTS:
        raise NoSuchReport(f"this server makes no report {name!r}; it makes {', '.join(sorted(REPORTS))}")
    if name in OF_A_HOST and asked.host not in view.problem.pool.hosts:
        raise NoSuchReport("the pool has no such host")
    layout, rows = REPORTS[name]
    return document(layout, rows(view, past_of(store, view, asked.since, asked.until), asked))


def _hosts(view: View, asked: ReportRequest) -> Iterator[tuple[int, Host]]:
    """The hosts that it is about, each with its row."""
    for number, host in enumerate(view.problem.pool.hosts.values()):
        if asked.host in {"", host.uuid}:
            yield number, host


def thresholds_of(view: View) -> dict[str, Value]:
    """What counts as much, as columns: shares of CPU, and bytes of memory left."""
    policy = view.problem.policy
    kept = policy.capacity.memory_reserve_mib * MIB
    cpu = {f"host_cpu_threshold_{level}": part * policy.objective.threshold for level, part in CPU_LEVELS.items()}
    return {**cpu, **{f"host_memory_threshold_{level}": int(part * kept) for level, part in MEMORY_LEVELS.items()}}


def cpu_level(share: float, threshold: float) -> str:
    """The level that *share* of a host's CPUs is at."""
    reached = (level for level, part in CPU_LEVELS.items() if share >= part * threshold)
    return next(reached, "low").capitalize()


def memory_level(free: float, kept: float) -> str:
    """The level of a host with *free* bytes left, of which *kept* should stay free."""
    short = (level for level, part in MEMORY_LEVELS.items() if free <= part * kept)
    return next(short, "low").capitalize()


def _hours(view: View, past: HostHours, asked: ReportRequest) -> Iterator[tuple[Host, dict[str, Value], float, float]]:
    """Host, columns of the moment, share of CPU and bytes free, of every hour of which load is known."""
    for number, host in _hosts(view, asked):
        for hour in np.flatnonzero(~np.isnan(past.cpu[number])).tolist():
            moment = past.start + hour * HOUR
            when: dict[str, Value] = {"hostid": number + 1, "name": host.name, "start_time": asked.local(moment)}
            yield (
                host,
                {**asked.stamps(moment), **when},
                float(past.cpu[number, hour]),
                max(0.0, float(past.free[number, hour])),
            )


def _pool_health(view: View, past: HostHours, asked: ReportRequest) -> Iterator[Row]:
    policy = view.problem.policy
    threshold, kept = policy.objective.threshold, policy.capacity.memory_reserve_mib * MIB
    for host, when, share, free in _hours(view, past, asked):
        levels = {"cpu_threshold_percent": cpu_level(share, threshold)}
        yield {**when, "uuid": host.uuid, **levels, "memory_threshold_percent": memory_level(free, kept)}


def _health_history(view: View, past: HostHours, asked: ReportRequest) -> Iterator[Row]:
    limits = thresholds_of(view)
    for _, when, share, free in _hours(view, past, asked):
        yield {**when, **limits, "avg_total_cpu": share, "avg_free_mem": int(free)}


def _optimisation_history(view: View, past: HostHours, asked: ReportRequest) -> Iterator[Row]:
    """The health of all hosts, with the moves that arrived in each hour."""
    arrived = Counter(asked.stamps(move.at)["hour"] for move in past.moves)
    for _, when, share, free in _hours(view, past, asked):
        yield {**when, "avg_total_cpu": share, "avg_free_mem": int(free), "optimized_moves": arrived[when["hour"]]}


def _motion_history(_view: View, past: HostHours, asked: ReportRequest) -> Iterator[Row]:
    """A row for each move that arrived, and one with nothing but the day for days without."""
    quiet = {asked.stamps(asked.since + timedelta(days=day))["day"] for day in range(_days(asked))}
    for number, move in enumerate(past.moves, start=1):
        when = asked.stamps(move.at)
        quiet.discard(when["day"])
        names = {"vmname": move.vm, "to_hostname": move.target, "from_hostname": move.source}
        told: dict[str, Value] = {"recommendation_id": number, "reason": NO_REASON, "move_time": asked.local(move.at)}
        yield {**when, "id": number, **names, **told}
    yield from ({"day": day} for day in sorted(quiet, key=str))


def _days(asked: ReportRequest) -> int:
    return max(0, -(-(asked.until - asked.since) // timedelta(days=1)))


Rows = Callable[[View, HostHours, ReportRequest], Iterator[Row]]
OF_A_HOST: Final = frozenset({"host_health_history"})
REPORTS: Final[Mapping[str, tuple[Layout, Rows]]] = {
    "pool_health": (layouts.POOL_HEALTH, _pool_health),
    "pool_health_history": (layouts.POOL_HEALTH_HISTORY, _health_history),
    "host_health_history": (layouts.HOST_HEALTH_HISTORY, _health_history),
    "vm_movement_history": (layouts.MOTION_HISTORY, _motion_history),
    "optimization_performance_history": (layouts.OPTIMISATION_HISTORY, _optimisation_history),
}
"""By the names of XenCenter's files, which it asks for."""
