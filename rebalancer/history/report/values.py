"""What a report says, as values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rebalancer.history.answers import CheckedHostRow, CheckRow, MoveRow, NightRow, Period
from rebalancer.inventory import Uuid

WEEK_SECONDS = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HotHost:
    """A host that plans found above the threshold: on how many of so many nights, and its busiest hour, as a share."""

    host: str
    host_uuid: Uuid
    nights: int
    of: int
    worst_share: float
    worst_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Flapping:
    """A VM that moved often, or came `back` to a host that it had left."""

    vm: str
    vm_uuid: Uuid
    moves: int
    back: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StubbornVM:
    """A VM whose moves fail: since when, on how many nights, the reason of the last time, and until when it rests."""

    vm: str
    vm_uuid: Uuid
    since: datetime
    nights: int
    words: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """What a night found free: of the pCPUs in the busiest hour of the pool, and of memory, as shares."""

    at: datetime
    cpu_share: float
    memory_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolReport:
    """A pool in the time that the report is about.

    Args:
        pool: its name.
        pool_uuid: its uuid.
        nights: how each ended, the earliest first.
        hot: hosts above the threshold, the hottest first.
        moves: what became of steps, the earliest first.
        checks: the day after each run.
        wrong: hosts that came to be busier than predicted by more than the policy lets pass.
        flapping: VMs that move to and fro, the most restless first.
        alone: VMs whose moves fail, by the end of the time.
        headroom: what was free, night by night.
    """

    pool: str
    pool_uuid: Uuid
    nights: tuple[NightRow, ...] = ()
    hot: tuple[HotHost, ...] = ()
    moves: tuple[MoveRow, ...] = ()
    checks: tuple[CheckRow, ...] = ()
    wrong: tuple[CheckedHostRow, ...] = ()
    flapping: tuple[Flapping, ...] = ()
    alone: tuple[StubbornVM, ...] = ()
    headroom: tuple[Headroom, ...] = ()

    @property
    def verdicts(self) -> Mapping[str, int]:
        """How often each verdict, the most frequent first."""
        return dict(Counter(night.verdict for night in self.nights).most_common())

    @property
    def moved(self) -> tuple[MoveRow, ...]:
        """Moves that arrived."""
        return tuple(move for move in self.moves if move.moved)

    @property
    def failed(self) -> tuple[MoveRow, ...]:
        """Those that did not."""
        return tuple(move for move in self.moves if not move.moved)

    @property
    def gib(self) -> float:
        """What was copied, as far as that is known."""
        return sum(move.gib or 0.0 for move in self.moved)

    @property
    def overload(self) -> tuple[float, float, float]:
        """pCPU-hours in the days after runs: predicted, measured, and without the moves."""
        return (
            sum(check.overload_predicted_pcpu_hours for check in self.checks),
            sum(check.overload_measured_pcpu_hours for check in self.checks),
            sum(check.overload_unmoved_pcpu_hours for check in self.checks),
        )

    @property
    def cpu_trend(self) -> float | None:
        """How much of the pCPUs becomes free in a week, as a share; below 0 where less is free from week to week."""
        return slope_a_week([each.at for each in self.headroom], [each.cpu_share for each in self.headroom])

    @property
    def memory_trend(self) -> float | None:
        """The same of memory."""
        return slope_a_week([each.at for each in self.headroom], [each.memory_share for each in self.headroom])


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A week or a month of some pools, told in `timezone`; `nowhere` are nights whose pool never answered."""

    name: str
    period: Period
    timezone: str = "UTC"
    pools: tuple[PoolReport, ...] = ()
    nowhere: tuple[NightRow, ...] = field(default=())


def slope_a_week(moments: Sequence[datetime], values: Sequence[float]) -> float | None:
    """The slope of the line of least squares through *values*, a week; None where there are not two moments."""
    first = min(moments, default=None)
    if first is None:
        return None
    weeks = [(moment - first).total_seconds() / WEEK_SECONDS for moment in moments]
    middle, mean = sum(weeks) / len(weeks), sum(values) / len(values)
    spread = sum((week - middle) ** 2 for week in weeks)
    return sum((w - middle) * (v - mean) for w, v in zip(weeks, values, strict=True)) / spread if spread else None
