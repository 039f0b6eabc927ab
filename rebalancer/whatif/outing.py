"""A host that goes down: how long it takes, its VMs' way there and back included, and how busy the others are then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np

from rebalancer.describe.load_course import LoadCourse
from rebalancer.inventory import Uuid
from rebalancer.plan import Plan
from rebalancer.units import HOURS_A_DAY, slot_at
from rebalancer.whatif.itinerary import Purpose
from rebalancer.whatif.pinned import BOOT_SECONDS, ShutDown

HOUR = timedelta(hours=1)
HAIR = 1e-9
"""Of a per cent, that rounding may cost."""


class StageLike(Protocol):
    """A stage, whether it was planned just now or is kept on the disk."""

    @property
    def purpose(self) -> Purpose:
        """What it is for."""

    @property
    def host(self) -> Uuid:
        """The host that it is about."""

    @property
    def host_name(self) -> str:
        """Its name."""

    @property
    def plan(self) -> Plan:
        """What moves."""

    @property
    def shut_down(self) -> Sequence[ShutDown]:
        """VMs that are shut down meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outing:
    """A host that goes down, from the first step of its stage until the stages that follow have brought VMs home.

    Args:
        host: its uuid.
        seconds: how long that takes by the estimates of the plans, and `BOOT_SECONDS` for the host, or for as long as
            VMs that are shut down meanwhile are off.
        shares: the load of whichever other host is busiest in each hour, as a share of its CPU, while the host is down:
            24 hours of a day, or 168 of a week; of recorded days the busiest of each hour. Empty without metrics.
        timezone: IANA name of the zone of these hours.
    """

    host: Uuid
    seconds: float
    shares: tuple[float, ...]
    timezone: str

    def ends(self, begin: datetime) -> datetime:
        """When it is over that begins at *begin*."""
        return begin + timedelta(seconds=self.seconds)

    def percent(self, begin: datetime) -> int:
        """Per cent of CPU, rounded up, of the busiest host in any hour that it touches if it begins at *begin*.

        0 without metrics.
        """
        if not self.shares:
            return 0
        hour, end = hour_of(begin, self.timezone), self.ends(begin)
        worst = 0.0
        while hour < end:
            worst = max(worst, self.shares[self.slot(hour)])
            hour += HOUR
        return ceil(100 * worst - HAIR)

    def slot(self, moment: datetime) -> int:
        """Which of the `shares` is of the hour of *moment*."""
        return slot_at(moment.astimezone(ZoneInfo(self.timezone)), len(self.shares))


def hour_of(moment: datetime, timezone: str) -> datetime:
    """The beginning of the hour of *moment* by the clocks of *timezone*, in UTC."""
    return moment.astimezone(ZoneInfo(timezone)).replace(minute=0, second=0, microsecond=0).astimezone(UTC)


def outings(stages: Sequence[StageLike]) -> tuple[Outing, ...]:
    """One for each of *stages* that empties a host, the stages that bring VMs home before the next one included."""
    return tuple(_outing(each) for each in _grouped(stages))


def _grouped(stages: Sequence[StageLike]) -> Iterator[list[StageLike]]:
    group: list[StageLike] = []
    for stage in stages:
        if stage.purpose is Purpose.EMPTY:
            if group:
                yield group
            group = [stage]
        elif group:
            group.append(stage)
    if group:
        yield group


def _outing(stages: Sequence[StageLike]) -> Outing:
    first = stages[0]
    moving = sum(stage.plan.schedule.seconds for stage in stages)
    down = max((each.seconds for each in first.shut_down), default=BOOT_SECONDS)
    return Outing(
        host=first.host,
        seconds=moving + down,
        shares=_shares(first.plan, first.host),
        timezone=first.plan.when.timezone,
    )


def _shares(plan: Plan, down: Uuid) -> tuple[float, ...]:
    """The highest share of any host but the one that is *down*, hour by hour, once *plan* is done."""
    course = LoadCourse.of(plan)
    others = [row for host, row in course.after().items() if host != down] if course else []
    if not others:
        return ()
    highest, when = np.max(others, axis=0), plan.when
    if not when.days:
        return tuple(map(float, highest))
    hours = [when.hour_of(slot) for slot in range(when.count)]
    return tuple(
        max((float(share) for share, at in zip(highest, hours, strict=True) if at == hour), default=0.0)
        for hour in range(HOURS_A_DAY)
    )
