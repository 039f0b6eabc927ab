"""When the next host goes down: in the hours of least load, where the policy gives the work so many hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from rebalancer.execute import pool_unlocked
from rebalancer.face.rolling.kept import KeptStage
from rebalancer.face.rolling.site import Progress, Site
from rebalancer.face.rolling.turn import StageTurn
from rebalancer.policy import change_windows
from rebalancer.units import moment_in_words
from rebalancer.whatif.calm_hours import best_begins
from rebalancer.whatif.outing import HOUR, Outing, outings

SLICE_SECONDS: Final = 60.0
"""A wait looks at the clock so often: machines sleep, and clocks are set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """The wait for the hour in which the host of *stage* goes down.

    Nothing of it is written down: whoever is killed meanwhile, and begins again, finds the hour anew. The work has
    `rolling.within_hours` from when it began, and no longer than its plans last. Where stages that others make illegal
    are planned anew, the lock of the state folder is free meanwhile.
    """

    stage: KeptStage
    site: Site
    progress: Progress
    turn: StageTurn

    def wait(self) -> None:
        """Return once the host is to go down; at once where the policy does not ask for it.

        Raises:
            ApprovalRefused: the stage has to be approved; it says so before the wait, and not at its end.
            RollingStopped: another process has gone on with the work meanwhile.
        """
        within, clock = self.site.policy.rolling.within_hours, self.site.clock
        if within is None or self.site.any_time:
            return
        while (begin := self._best(timedelta(hours=within))) > clock.now():
            self.turn.approved(self.progress.in_force(self.stage))
            self.site.door.shut()
            self._wait_until(begin)
            if clock.now() < begin + HOUR:
                return

    def _wait_until(self, begin: datetime) -> None:
        if not self.site.policy.rolling.plan_anew:
            self._sleep_until(begin)
            return
        told = f"another run that uses this state folder is waited for before {self.stage.host_name} goes down"
        said: list[str] = []

        def wait() -> None:
            if not said:
                said.append(told)
                self.site.say(told)
            self.site.clock.sleep(SLICE_SECONDS)

        with pool_unlocked(self.site.pool, self.site.state_dir, wait):
            self._sleep_until(begin)
        self.progress.assert_current()

    def _sleep_until(self, begin: datetime) -> None:
        clock = self.site.clock
        while (left := (begin - clock.now()).total_seconds()) > 0:
            clock.sleep(min(left, SLICE_SECONDS))

    def _best(self, within: timedelta) -> datetime:
        """When it goes down, so that all that are left do in the hours of least load; said where that is later."""
        now, rest = self.site.clock.now(), self.progress.stages[self.stage.number - 1 :]
        began = self.progress.began_at
        until = min(began + within, *(stage.plan.expires_at for stage in rest))
        away, windows = outings(rest), change_windows(self.stage.plan.policy)
        begins = best_begins(away, now, until, windows)
        if not begins:
            return self._opening(windows.opens_at(now), now)
        if begins[0] > now:
            self.site.say(_words(self.stage, away, begins, now))
        return begins[0]

    def _opening(self, opens: datetime, now: datetime) -> datetime:
        """*opens*, when a change window is open next; said where that is later than *now*."""
        if opens > now:
            when = moment_in_words(opens, self.stage.plan.policy.timezone)
            why = "rolling.within_hours leaves no time for all hosts in change windows"
            self.site.say(f"{self.stage.host_name} goes down from {when} on: {why}. --any-time does not wait")
        return opens


def _words(stage: KeptStage, away: Sequence[Outing], begins: Sequence[datetime], now: datetime) -> str:
    zone = stage.plan.policy.timezone
    then, at_once = away[0].percent(begins[0]), away[0].percent(now)
    busy = f"the busiest host is at {then}% then, and at {at_once}% if it began now"
    last = f"; the last host follows at {moment_in_words(begins[-1], zone)}" if len(begins) > 1 else ""
    when = moment_in_words(begins[0], zone)
    return f"{stage.host_name} goes down from {when} on, and that is waited for: {busy}{last}. --any-time does not wait"
