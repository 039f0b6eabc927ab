"""Change windows: when migrations may be started, blackouts left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from rebalancer.errors import PolicyError
from rebalancer.policy.hours import Day, WindowPolicy
from rebalancer.policy.model import Policy

# A window that is open over more than a week on end never closes: every week is like the one before.
HORIZON = timedelta(days=9)
ANY_DAY = datetime(2026, 1, 7, tzinfo=UTC)

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeWindows:
    """The windows of a policy; with none, it is always open but for its blackouts, in which it is closed.

    All moments are aware of their time zone; answers are in UTC. Times of day are wall-clock times, so a window keeps
    its hours when the clocks change. Of a time that comes twice that night, the first counts.
    """

    windows: tuple[WindowPolicy, ...]
    timezone: str
    blackouts: tuple[WindowPolicy, ...] = ()

    def is_open(self, now: datetime) -> bool:
        """Whether a migration may start at *now*."""
        return not self._limited or any(start <= now < end for start, end in self._spans(now))

    def closes_at(self, now: datetime) -> datetime | None:
        """When the window that is open at *now* closes; None when it never does, *now* when none is open."""
        if not self._limited:
            return None
        end = next((end for start, end in self._spans(now) if start <= now < end), None)
        if end is None:
            return now.astimezone(UTC)
        return end if end < now + timedelta(days=7) else None

    def opens_at(self, now: datetime) -> datetime:
        """When the next window opens; *now* when one is open.

        Raises:
            PolicyError: blackouts leave nothing of any window.
        """
        if self.is_open(now):
            return now.astimezone(UTC)
        later = self._openings_after(now)
        if not later:
            problem = "no change window ever opens: blackouts cover all of them"
            raise PolicyError("policy, blackout", problem, "Shorten one; without --execute nothing moves anyway")
        return min(later)

    @property
    def ever_open(self) -> bool:
        """Whether there is any moment at which a migration may start."""
        return self.is_open(ANY_DAY) or bool(self._openings_after(ANY_DAY))

    def _openings_after(self, now: datetime) -> list[datetime]:
        """When windows open that are closed at *now*, for a week; a day more, in which clocks change."""
        return [start for start, _ in self._spans(now) if now < start < now + HORIZON - timedelta(days=1)]

    @property
    def _limited(self) -> bool:
        return bool(self.windows or self.blackouts)

    def spans(self, now: datetime) -> tuple[Span, ...]:
        """When it is open in the week after *now*, and around that, as disjoint spans in order."""
        return tuple(self._spans(now))

    def _spans(self, now: datetime) -> list[Span]:
        """When it is open around *now*, likewise."""
        always = [(now - HORIZON, now + HORIZON)] if not self.windows else []
        spans = always or [span for window in self.windows for span in self._openings(window, now)]
        closed = [span for blackout in self.blackouts for span in self._openings(blackout, now)]
        return _without(_merged(sorted(_real(spans))), _merged(sorted(_real(closed))))

    def _openings(self, window: WindowPolicy, now: datetime) -> list[tuple[datetime, datetime]]:
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


ANY_TIME = ChangeWindows(windows=(), timezone="UTC")
"""Windows that never close."""


def change_windows(policy: Policy) -> ChangeWindows:
    """The change windows of *policy*.

    Example:
        >>> from datetime import UTC, datetime
        >>> import rebalancer as rb
        >>> night = rb.Policy(window=[{"days": ["sat"], "start": "22:00", "end": "06:00"}])
        >>> rb.policy.change_windows(night).is_open(datetime(2026, 3, 8, 5, tzinfo=UTC))
        True
    """
    return ChangeWindows(windows=policy.window, timezone=policy.timezone, blackouts=policy.blackout)


def _real(spans: Sequence[Span]) -> list[Span]:
    """Those that last; the hour that clocks skip makes some end before they begin."""
    return [(start, end) for start, end in spans if start < end]


def _without(spans: Sequence[Span], closed: Sequence[Span]) -> list[Span]:
    """What is left of *spans* outside *closed*; both disjoint and in order."""
    left = list(spans)
    for begin, end in closed:
        parts = [part for start, stop in left for part in ((start, min(stop, begin)), (max(start, end), stop))]
        left = _real(parts)
    return left


def _merged(spans: Sequence[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    merged: list[tuple[datetime, datetime]] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return merged
