"""The way through all hosts: each emptied, worked on and taken back, then the next; resumed wherever it ended.

What the trace announces may or may not have been done: the pool tells. Nothing is done to a host that was not looked at
right before, and each plan is proven anew at its turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rebalancer.errors import IllegalPlan, InputError, StalePlan, StoppedHalfWay
from rebalancer.execute import is_settled, journal_path, was_begun
from rebalancer.face.maintenance import Maintenance, service_of
from rebalancer.face.proposal import Proposal
from rebalancer.face.rolling.begin import Begin
from rebalancer.face.rolling.guests import PinnedGuests
from rebalancer.face.rolling.kept import KeptRolling, KeptStage
from rebalancer.face.rolling.means import Means
from rebalancer.face.rolling.outage import Outage
from rebalancer.face.rolling.shown import boot_time, unfit
from rebalancer.face.rolling.site import Progress, Site
from rebalancer.face.rolling.trace import Event
from rebalancer.face.rolling.turn import StageTurn
from rebalancer.whatif.itinerary import Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolled:
    """How far it came: stages `done` and `left`; `waits` says for what it waits, where it is not over.

    `made_anew` are the stages whose plan was made anew, and `astray` says of VMs that these leave away from home.
    """

    done: int
    left: int
    waits: str = ""
    made_anew: tuple[str, ...] = ()
    astray: tuple[str, ...] = ()


class Course:
    """The walk through the stages of *kept* at *site*, where hosts go down by *means*; the caller holds the lock."""

    def __init__(self, kept: KeptRolling, site: Site, means: Means) -> None:
        self._site, self._means = site, means
        self._progress = Progress(kept, site)
        self._turn = StageTurn(site=site, progress=self._progress)

    def walk(self) -> Rolled:
        """Carry out what is left.

        Raises:
            RollingStopped: people have to look.
            RebalancerError: as carrying out a plan says, or the pool cannot be reached.
        """
        progress = self._progress
        if progress.kept.is_given_up:
            raise progress.stopped(["somebody has begun to give this up, and that is not over: type --anew once more"])
        for stage in progress.stages:
            if progress.has(Event.DONE, stage):
                continue
            if waits := self._emptied(stage) if stage.purpose is Purpose.EMPTY else self._returned(stage):
                left = len(progress.stages) - progress.done
                return Rolled(done=progress.done, left=left, waits=waits, made_anew=self._turn.made_anew)
            progress.note(Event.DONE, stage)
        astray = tuple(self._turn.astray(self._site.look())) if self._turn.made_anew else ()
        if not progress.has(Event.ENDED):
            progress.note(Event.ENDED)
        return Rolled(done=progress.done, left=0, made_anew=self._turn.made_anew, astray=astray)

    def _emptied(self, stage: KeptStage) -> str:
        """Have a host emptied, worked on and taken back; for what that waits, if it does."""
        progress = self._progress
        outing = Maintenance.of(self._site.pool, stage.host, self._site.state_dir)
        if not progress.has(Event.STAGE, stage):
            Begin(stage=stage, site=self._site, progress=progress, turn=self._turn).wait()
            self._begin(progress.in_force(stage), outing)
        if not progress.has(Event.EMPTY, stage) and (waits := self._left_by_all(progress.in_force(stage), outing)):
            return waits
        stage = progress.in_force(stage)
        outage = Outage(stage=stage, outing=outing, site=self._site, progress=progress, means=self._means)
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
        """Have VMs brought home; for what that waits, if it does.

        Where the rest of the plan is no longer legal, and nothing of it is on its way, that is planned anew.
        """
        stage = self._progress.in_force(stage)
        if not self._progress.has(Event.STAGE, stage):
            stage = self._turn.begin(stage, self._site.look())
        self._turn.approved(stage)
        try:
            return self._carried_out(stage, stage.folder)
        except (StalePlan, IllegalPlan, StoppedHalfWay) as error:
            stale = stale_in(error)
            if stale is None or not is_settled(self._journal(stage)) or not self._turn.may_do_better(stage):
                raise
            stage = self._turn.anew(stage, stale)
        self._turn.approved(stage)
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
        self._turn.begin(stage, pool)

    def _left_by_all(self, stage: KeptStage, outing: Maintenance) -> str:
        """Have the host disabled and emptied; for what that waits, if it does.

        Where nothing of the plan was begun, and it is no longer legal, another one is made.
        """
        try:
            return self._left(stage, outing)
        except (StalePlan, IllegalPlan) as stale:
            if was_begun(self._journal(stage)) or not self._turn.may_do_better(stage):
                raise
            stage = self._turn.anew(stage, stale)
        return self._left(stage, outing)

    def _left(self, stage: KeptStage, outing: Maintenance) -> str:
        site = self._site
        self._turn.approved(stage)
        if not outing.is_begun:
            outing.begin(Proposal.of(stage.plan), self._progress.host(site.look(), stage))
        outing.keep_plan(Proposal.of(stage.plan))
        with site.door as live:
            service_of(live, site.pool, site.allowed, site.state_dir).disable(stage.host)
        site.say(f"{stage.host_name} is disabled: nothing starts there, and nothing comes to it")
        if not was_begun(self._journal(stage)) and (came := list(self._turn.left_behind(stage, site.look()))):
            raise StalePlan(came)
        if waits := self._carried_out(stage, outing.away):
            return waits
        pool = site.look()
        pinned = [each.vm for each in stage.shut_down]
        if facts := list(unfit(pool, self._progress.host(pool, stage), but=pinned)):
            raise self._progress.stopped(facts)
        self._progress.note(Event.EMPTY, stage)
        return ""

    def _journal(self, stage: KeptStage) -> Path:
        return journal_path(stage.plan.digest, self._site.state_dir)

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


def stale_in(error: BaseException | None) -> StalePlan | IllegalPlan | None:
    """*error*, or what has led to it, as far as it is that a plan is no longer legal."""
    while error is not None and not isinstance(error, StalePlan | IllegalPlan):
        error = error.__cause__
    return error
