"""The way through all hosts: each emptied, worked on and taken back, then the next; resumed wherever it ended.

What the trace announces may or may not have been done: the pool tells. Nothing is done to a host that was not looked at
right before, and each plan is proven anew at its turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rebalancer.errors import InputError, StalePlan
from rebalancer.face.maintenance import Maintenance, in_service, out_of_service, service_of
from rebalancer.face.proposal import Proposal
from rebalancer.face.prove import verify
from rebalancer.face.read import PoolState
from rebalancer.face.rolling.begin import Begin
from rebalancer.face.rolling.guests import PinnedGuests
from rebalancer.face.rolling.kept import KeptRolling, KeptStage
from rebalancer.face.rolling.means import Means
from rebalancer.face.rolling.outage import Outage
from rebalancer.face.rolling.shown import boot_time, unfit
from rebalancer.face.rolling.site import Progress, Site
from rebalancer.face.rolling.trace import Event
from rebalancer.inventory import Pool
from rebalancer.whatif.itinerary import Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolled:
    """How far it came: stages `done` and `left`; `waits` says for what it waits, where it is not over."""

    done: int
    left: int
    waits: str = ""


class Course:
    """The walk through the stages of *kept* at *site*, where hosts go down by *means*; the caller holds the lock."""

    def __init__(self, kept: KeptRolling, site: Site, means: Means) -> None:
        self._site, self._means = site, means
        self._progress = Progress(kept, site)

    def walk(self) -> Rolled:
        """Carry out what is left.

        Raises:
            RollingStopped: people have to look.
            RebalancerError: as carrying out a plan says, or the pool cannot be reached.
        """
        progress = self._progress
        for stage in progress.stages:
            if progress.has(Event.DONE, stage):
                continue
            if waits := self._emptied(stage) if stage.purpose is Purpose.EMPTY else self._returned(stage):
                return Rolled(done=progress.done, left=len(progress.stages) - progress.done, waits=waits)
            progress.note(Event.DONE, stage)
        if not progress.has(Event.ENDED):
            progress.note(Event.ENDED)
        return Rolled(done=progress.done, left=0)

    def _emptied(self, stage: KeptStage) -> str:
        """Have a host emptied, worked on and taken back; for what that waits, if it does."""
        progress = self._progress
        outing = Maintenance.of(self._site.pool, stage.host, self._site.state_dir)
        outage = Outage(stage=stage, outing=outing, site=self._site, progress=progress, means=self._means)
        if not progress.has(Event.STAGE, stage):
            Begin(stage=stage, site=self._site, progress=progress).wait()
            self._begin(stage, outing)
        if not progress.has(Event.EMPTY, stage) and (waits := self._left_by_all(stage, outing)):
            return waits
        pinned = PinnedGuests(stage=stage, site=self._site, progress=progress)
        if stage.shut_down and not progress.has(Event.OFF, stage) and (waits := outage.held()):
            return waits
        pinned.shut_down()
        if not progress.has(Event.SENT, stage) and (waits := outage.down()):
            return waits
        outage.back()
        self._serve(stage, outing)
        pinned.start()
        return ""

    def _returned(self, stage: KeptStage) -> str:
        """Have VMs brought home; for what that waits, if it does."""
        if not self._progress.has(Event.STAGE, stage):
            self._prove(stage, self._site.look())
            self._progress.note(Event.STAGE, stage, digest=stage.plan.digest)
        return self._carried_out(stage, stage.folder)

    def _begin(self, stage: KeptStage, outing: Maintenance) -> None:
        """Prove that the stage is legal, and that one will be able to tell whether its host was rebooted."""
        if outing.is_begun:
            problem = "it is in maintenance already, by `evacuate --execute`"
            remedy = "Take it back with `rebalancer return`, then type the same again"
            raise InputError(stage.host_name, problem, remedy)
        pool = self._site.look()
        host = self._progress.host(pool, stage)
        if not host.live:
            raise self._progress.stopped([f"{host.name} is not live"])
        if not boot_time(host):
            words = f"{host.name} does not say when it booted, so that nobody could tell whether it was rebooted"
            raise self._progress.stopped([words])
        self._prove(stage, pool)
        self._progress.note(Event.STAGE, stage, digest=stage.plan.digest)

    def _prove(self, stage: KeptStage, pool: Pool) -> None:
        """Pass where the plan of the stage is legal in *pool*, as it will be then.

        Raises:
            StalePlan: it is not; nothing was sent.
        """
        host, at = self._progress.host(pool, stage), self._site.clock.now()
        now = PoolState(pool=pool, demand=None, taken_at=at, source="")
        then = out_of_service(now, host) if stage.purpose is Purpose.EMPTY else in_service(now, host)
        if findings := verify(stage.plan, then, now=at):
            raise StalePlan([f"{stage.folder.name}: {each}" for each in findings])

    def _left_by_all(self, stage: KeptStage, outing: Maintenance) -> str:
        """Have the host disabled and emptied; for what that waits, if it does."""
        site = self._site
        if not outing.is_begun:
            outing.begin(Proposal.of(stage.plan), self._progress.host(site.look(), stage))
        with site.door as live:
            service_of(live, site.pool, site.allowed, site.state_dir).disable(stage.host)
        site.say(f"{stage.host_name} is disabled: nothing starts there, and nothing comes to it")
        if waits := self._carried_out(stage, outing.away):
            return waits
        pool = site.look()
        pinned = [each.vm for each in stage.shut_down]
        if facts := list(unfit(pool, self._progress.host(pool, stage), but=pinned)):
            raise self._progress.stopped(facts)
        self._progress.note(Event.EMPTY, stage)
        return ""

    def _carried_out(self, stage: KeptStage, folder: Path) -> str:
        result = self._site.carry_out(stage.plan, folder)
        return "" if result.complete else str(result)

    def _serve(self, stage: KeptStage, outing: Maintenance) -> None:
        """Take the host back into service."""
        site, progress = self._site, self._progress
        with site.door as live:
            service_of(live, site.pool, site.allowed, site.state_dir).enable(stage.host)
            if not progress.host(live.read(), stage).enabled:
                raise progress.stopped([f"{stage.host_name} was enabled, and is not"])
        if outing.is_begun:
            outing.end(site.clock.now())
        site.say(f"{stage.host_name} is back in service")
