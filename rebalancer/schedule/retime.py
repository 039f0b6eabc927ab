"""Migrations in the order and at the times that end soonest: what waits for what follows from the order that is chosen.

Where the relations of the given order make a timetable long, CP-SAT looks for starts that keep the limits of hosts and
SRs themselves instead of those relations. The migrations are then put into the order of these starts, asked of the
rules one after another, and related anew; the shorter of both timetables counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rebalancer.inventory import Uuid
from rebalancer.order.dependencies import Traffic, dependencies
from rebalancer.order.prune import is_legal
from rebalancer.order.state import State
from rebalancer.placement import Migration
from rebalancer.plan.duration import Pace
from rebalancer.rules import Row, Rulebook, StateLimit
from rebalancer.schedule.lanes import Job
from rebalancer.schedule.schedule import jobs_of
from rebalancer.schedule.timetable import GOOD_ENOUGH, Stock, Timetable, freely, timetable, within, work_bound

GRAIN = 1 << 20
"""Into so many parts, at least, the room of a limit is cut for CP-SAT; whoever holds some of one holds all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InTime:
    """Migrations by their positions in the order that was given, in the order that was chosen; their jobs and times."""

    positions: tuple[int, ...]
    jobs: tuple[Job, ...]
    timetable: Timetable


def in_time(migrations: Sequence[Migration], book: Rulebook, pace: Pace, effort: float) -> InTime:
    """*migrations* in an order that ends early, no later than the given one.

    Args:
        migrations: in a legal order.
        book: the rules, before the first move.
        pace: how long steps take.
        effort: how long CP-SAT may look for an order, and for a timetable of each, in its deterministic seconds.
    """
    return _Timing(migrations=migrations, book=book, pace=pace, effort=effort).best()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Timing:
    """One call of `in_time`."""

    migrations: Sequence[Migration]
    book: Rulebook
    pace: Pace
    effort: float

    def best(self) -> InTime:
        given = self._timed(range(len(self.migrations)))
        other = self._other_order(given) if self.effort and self._waits(given) else None
        found = self._timed(other) if other else given
        return found if found.timetable.ticks < given.timetable.ticks else given

    def _timed(self, positions: Sequence[int]) -> InTime:
        migrations, problem = [self.migrations[each] for each in positions], self.book.problem
        jobs = jobs_of(migrations, dependencies(migrations, self.book), problem, self.pace)
        made = timetable(jobs, problem.policy.limits, effort=self.effort)
        return InTime(positions=tuple(positions), jobs=jobs, timetable=made)

    def _waits(self, given: InTime) -> bool:
        work, _ = work_bound(freely(given.jobs), self.book.problem.policy.limits)
        return given.timetable.ticks > work * GOOD_ENOUGH

    def _other_order(self, given: InTime) -> tuple[int, ...] | None:
        """Another legal order, by starts that keep every limit; None where there is none to be had."""
        limits = [bound.limit for bound in self.book.lasting]
        if any(move.hop for move in self.migrations) or any(isinstance(limit, StateLimit) for limit in limits):
            return None
        rows = [limit for limit in limits if isinstance(limit, Row)]
        there = self.book.problem.initial.holders_by_place()
        stocks = [stock for row in rows for stock in _stocks(row, self.migrations, there)]
        jobs = freely(given.jobs)
        starts = within(jobs, self.book.problem.policy.limits, stocks, given.timetable, self.effort)
        order = tuple(sorted(range(len(jobs)), key=lambda each: (starts[each], each)))
        if order == given.positions:
            return None
        chosen = [self.migrations[each] for each in order]
        return order if is_legal(chosen, State(self.book, self.migrations)) else None


def _stocks(row: Row, migrations: Sequence[Migration], there: Mapping[Uuid, Sequence[Uuid]]) -> Iterator[Stock]:
    """What *migrations* hold of *row*, if they could hold more than it has; in units that CP-SAT can count with.

    At the start, places hold what is *there*.
    """
    traffic = Traffic.of(row, migrations, there)
    tight = traffic.initial + sum(traffic.arriving.values()) > row.most
    if not (row.hard and traffic.arriving and tight):
        return
    stays = traffic.initial - sum(traffic.freed.values())
    unit = max(1, (row.most - stays) // GRAIN)
    yield Stock(
        until_end={position: -(-size // unit) for position, size in traffic.freed.items()},
        from_start={position: -(-size // unit) for position, size in traffic.arriving.items()},
        room=(row.most - stays) // unit,
    )
