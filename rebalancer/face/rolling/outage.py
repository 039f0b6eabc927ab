"""One host that goes down and comes back: told to once, and waited for by what the pool shows of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rebalancer.errors import InputError, InventoryError, OutcomeUnknown, RefusedByXapi, Unreachable
from rebalancer.face.maintenance import Maintenance
from rebalancer.face.rolling.kept import KeptStage
from rebalancer.face.rolling.means import Means
from rebalancer.face.rolling.shown import boot_time, has_booted, is_going_down, lacking, unfit
from rebalancer.face.rolling.site import Progress, Site
from rebalancer.face.rolling.trace import Entry, Event
from rebalancer.inventory import Host, Pool
from rebalancer.units import SECONDS_PER_MINUTE, duration_in_words
from rebalancer.xapi.power.reboots import CALL

SILENCES = (Unreachable, RefusedByXapi, InventoryError)
"""What a pool answers whose coordinator boots, or whose records are being written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What was seen of a host that is waited for: what it `lacks` to be back, and whether it `booted`."""

    lacks: tuple[str, ...]
    booted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """The host of *stage*, which is disabled and empty, goes down by *means* and comes back."""

    stage: KeptStage
    outing: Maintenance
    site: Site
    progress: Progress
    means: Means

    def down(self) -> str:
        """Have the host told to go down once, or see that it has; for whom that waits, if it does.

        Raises:
            RollingStopped: it cannot be, or nobody knows whether it was.
        """
        before, failed = self.progress.going(self.stage), self.progress.failed(self.stage)
        if before and self._went_down(before, at_once=failed or not self.means.is_a_call):
            self.progress.note(Event.SENT, self.stage, words="seen")
            return ""
        if before and not (failed or self.means.may_be_repeated):
            raise self._unsure(before)
        pool = self.site.look()
        host = self._fit(pool)
        if held := self._held(pool, host):
            return held
        if not before or failed:
            self.progress.note(Event.GOING, self.stage, boot_time=boot_time(host))
        return self._told(host)

    def _told(self, host: Host) -> str:
        try:
            waits = self.means.bring_down(host)
        except OutcomeUnknown as error:
            before = self.progress.going(self.stage)
            if before and not self._went_down(before, at_once=False):
                raise self.progress.stopped([str(error), f"{host.name} has not gone down since"]) from error
            waits = ""
        except (InputError, RefusedByXapi, Unreachable) as error:
            self.progress.note(Event.FAILED, self.stage, words=str(error))
            facts = [str(error), f"{host.name} was not rebooted by this, and stays disabled"]
            raise self.progress.stopped(facts) from error
        if not waits:
            self.progress.note(Event.SENT, self.stage)
        return waits

    def back(self) -> None:
        """Wait until the host is back as it has to be.

        Raises:
            RollingStopped: it is not in time.
        """
        if self.progress.has(Event.BACK, self.stage):
            return
        self.site.say(f"{self.stage.host_name} goes down, and is waited for")
        clock, minutes = self.site.clock, self.site.policy.rolling.boot_minutes
        until = clock.monotonic() + minutes * SECONDS_PER_MINUTE
        up_since: float | None = None
        while (seen := self._seen()).lacks:
            now = clock.monotonic()
            up_since = (now if up_since is None else up_since) if seen.booted else None
            if now >= until or (up_since is not None and now >= up_since + self.site.waits.settle):
                raise self.progress.stopped([*seen.lacks, self._way_on])
            clock.sleep(self.site.waits.poll)
        self.progress.note(Event.BACK, self.stage)

    @property
    def _way_on(self) -> str:
        name = self.stage.host_name
        return f"{name} is not told to go down again: set it right yourself, then type the same again"

    def _unsure(self, before: Entry) -> Exception:
        name = self.stage.host_name
        facts = [
            f"nobody knows whether rolling.command was run for {name} at {before.at:%H:%M:%S} UTC",
            f"{name} has not gone down since, and the command is not run again",
            f"where it still runs, wait; else do its work on {name} yourself; then type the same again",
        ]
        return self.progress.stopped(facts)

    def _fit(self, pool: Pool) -> Host:
        """The host, disabled and empty."""
        host = self.progress.host(pool, self.stage)
        if facts := list(unfit(pool, host)):
            way_on = f"{host.name} is not rebooted: disable it, move its VMs away, then type the same again"
            raise self.progress.stopped([*facts, way_on])
        return host

    def held(self) -> str:
        """What tag holds the pool, or the host, in words; "" where none does."""
        pool = self.site.look()
        return self._held(pool, self.progress.host(pool, self.stage))

    def _held(self, pool: Pool, host: Host) -> str:
        tag = self.site.policy.execution.hold_tag
        who = "the pool" if tag in pool.tags else host.name if tag in host.tags else ""
        return who and f"{who} carries the tag {tag}: {host.name} is not rebooted until it is removed"

    def _went_down(self, before: Entry, *, at_once: bool) -> bool:
        """Whether the host that was about to be told to go down does, or did, by what it shows.

        A call that was on its way then has arrived once the host, in sight, has shown nothing of it for a while.
        """
        clock, waits = self.site.clock, self.site.waits
        until = clock.monotonic() + self.site.policy.rolling.boot_minutes * SECONDS_PER_MINUTE
        at_rest: float | None = None
        while True:
            shows, now = self._shows(before), clock.monotonic()
            if shows is True:
                return True
            at_rest = (now if at_rest is None else at_rest) if shows is False else None
            if at_rest is not None and (at_once or now >= at_rest + waits.quiet):
                return False
            if now >= until:
                facts = [f"the pool does not show for {duration_in_words(now - until)} whether it was rebooted"]
                raise self.progress.stopped([f"{self.stage.host_name}: {each}" for each in facts])
            clock.sleep(waits.poll)

    def _shows(self, before: Entry) -> bool | None:
        """Whether the host has gone down, or does; None where that may come, or nobody tells."""
        try:
            with self.site.door as live:
                host = self.progress.host(live.read(), self.stage)
                tasks = live.marks.tasks()
        except SILENCES:
            return None
        if has_booted(host, before.boot_time) or is_going_down(host):
            return True
        return None if any(task.pending and task.call == CALL for task in tasks) else False

    def _seen(self) -> Sighting:
        try:
            pool = self.site.look()
        except SILENCES as error:
            return Sighting(lacks=(f"the pool does not answer: {error}",))
        host, going = self.progress.host(pool, self.stage), self.progress.going(self.stage)
        before = going.boot_time if going else ""
        return Sighting(
            lacks=tuple(self._lacks(host, pool, before)), booted=bool(host.live) and has_booted(host, before)
        )

    def _lacks(self, host: Host, pool: Pool, before: str) -> Iterator[str]:
        unplugged = self.outing.unplugged(host, pool) if self.outing.is_begun else ()
        yield from lacking(host, before=before, version=self.progress.version, unplugged=unplugged)
