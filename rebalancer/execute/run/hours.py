"""Until when steps of a run may end: a deadline of its own, and the change window that is open when it begins."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rebalancer.execute.options import Clock
from rebalancer.execute.result import Ending
from rebalancer.plan import Step
from rebalancer.policy import ChangeWindows


@dataclass(slots=True)
class Hours:
    """The time left to a run that begins now: until *deadline*, if any, and while *windows* are open.

    Where no window is open, every step would be late. A window that opens while the run lasts is not used.
    """

    clock: Clock
    deadline: datetime | None
    windows: ChangeWindows
    _began: datetime = field(init=False)
    _mark: float = field(init=False)
    _closes_at: datetime | None = field(init=False)

    def __post_init__(self) -> None:
        self._began, self._mark = self.clock.now(), self.clock.monotonic()
        self._closes_at = self.windows.closes_at(self._began)

    def would_be_late(self, step: Step) -> bool:
        """Whether *step* would end too late, by its estimate; a clock that is set back buys no time."""
        now = max(self.clock.now(), self._began + timedelta(seconds=self.clock.monotonic() - self._mark))
        ends = now + timedelta(seconds=step.seconds)
        return any(last is not None and ends > last for last in (self.deadline, self._closes_at))

    @property
    def are_limited(self) -> bool:
        """Whether there is a moment at which the run ends anyway."""
        return self.deadline is not None or self._closes_at is not None

    @property
    def ending(self) -> Ending:
        """What ends the run where every step that is left would be late; the window, where both do."""
        if self._closes_at is None or (self.deadline is not None and self.deadline < self._closes_at):
            return Ending.DEADLINE
        return Ending.WINDOW

    @property
    def opens_at(self) -> datetime | None:
        """When the next window opens after the one that ends the run; None where none does."""
        closes = self._closes_at if self.ending is Ending.WINDOW else None
        return self.windows.opens_at(closes) if closes else None
