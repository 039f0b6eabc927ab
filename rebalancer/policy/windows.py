"""Change windows: when `nightly` may start migrations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from rebalancer.policy.model import Day, Policy, WindowPolicy

# A window that is open over more than a week on end never closes: every week is like the one before.
HORIZON = timedelta(days=9)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeWindows:
    """The windows of a policy; with none, it is always open.

    All moments are aware of their time zone; answers are in UTC. Times of day are wall-clock times, so a window keeps
    its hours when the clocks change. Of a time that comes twice that night, the first counts.
    """

    windows: tuple[WindowPolicy, ...]
    timezone: str

    def is_open(self, now: datetime) -> bool:
        """Whether a migration may start at *now*."""
        return not self.windows or any(start <= now < end for start, end in self._spans(now))

    def closes_at(self, now: datetime) -> datetime | None:
        """When the window that is open at *now* closes; None when it never does, *now* when none is open."""
        if not self.windows:
            return None
        end = next((end for start, end in self._spans(now) if start <= now < end), None)
        if end is None:
            return now.astimezone(UTC)
        return end if end < now + timedelta(days=7) else None

    def opens_at(self, now: datetime) -> datetime:
        """When the next window opens; *now* when one is open."""
        if self.is_open(now):
            return now.astimezone(UTC)
        return min(start for start, _ in self._spans(now) if start > now)

    def _spans(self, now: datetime) -> list[tuple[datetime, datetime]]:
        """When it is open around *now*, as disjoint spans in order."""
        spans = (span for window in self.windows for span in self._openings(window, now))
        return _merged(sorted((start, end) for start, end in spans if start < end))

    def _openings(self, window: WindowPolicy, now: datetime) -> list[tuple[datetime, datetime]]:
        """Each opening of one window around *now*."""
        zone = ZoneInfo(window.timezone or self.timezone)
        first = (now - HORIZON).astimezone(zone).date()
        days = (first + timedelta(days=offset) for offset in range(2 * HORIZON.days + 1))
        later = timedelta(days=1 if window.end <= window.start else 0)
        return [
            (
                datetime.combine(day, window.start, zone).astimezone(UTC),
                datetime.combine(day + later, window.end, zone).astimezone(UTC),
            )
            for day in days
            if tuple(Day)[day.weekday()] in window.days
        ]


def change_windows(policy: Policy) -> ChangeWindows:
    """The change windows of *policy*."""
    return ChangeWindows(windows=policy.window, timezone=policy.demand.timezone)


def _merged(spans: Sequence[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Spans in order, those that touch or overlap as one."""
    merged: list[tuple[datetime, datetime]] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return merged
