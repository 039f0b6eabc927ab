"""The turn of a stage: its plan proven in the pool as it is, made anew where the policy says so, and approved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rebalancer.errors import IllegalPlan, StalePlan
from rebalancer.execute.power.switch import guests_on
from rebalancer.face.maintenance import in_service, out_of_service
from rebalancer.face.prove import verify
from rebalancer.face.read import PoolState
from rebalancer.face.rolling.anew import PlannedAnew
from rebalancer.face.rolling.kept import KeptStage
from rebalancer.face.rolling.site import Progress, Site
from rebalancer.face.rolling.trace import Event
from rebalancer.inventory import Pool
from rebalancer.units import counted, first_few, size_in_words
from rebalancer.whatif.itinerary import Purpose

SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTurn:
    """How stages come to the plan that is carried out; *progress* tells how far the work at *site* has come."""

    site: Site
    progress: Progress

    def begin(self, stage: KeptStage, pool: Pool) -> KeptStage:
        """*stage* with a plan that is legal in *pool* as it will be then, and approved; what is asked for is noted.

        Raises:
            StalePlan: there is none, or the policy does not say to make one; nothing was sent.
            ApprovalRefused: it waits for an approval.
        """
        if findings := [f"{stage.folder.name}: {each}" for each in self._against(stage, pool)]:
            stage = self.anew(stage, StalePlan(findings))
        elif self._plans_anew and stage.purpose is Purpose.RETURN:
            stage = self._completed(stage, pool)
        self.approved(stage)
        self.progress.note(Event.STAGE, stage, digest=stage.plan.digest)
        return stage

    def anew(self, stage: KeptStage, stale: StalePlan | IllegalPlan) -> KeptStage:
        """*stage* with a plan made anew, because the former one is *stale*; nothing of that may be under way.

        Raises:
            StalePlan, IllegalPlan: the policy does not say so; or there is no other plan, with who is in the way.
        """
        if not self._plans_anew:
            raise stale
        try:
            plan = self._planned.plan(stage)
        except StalePlan as none:
            raise StalePlan([*none.reasons, *stale.reasons]) from stale
        folder = self.progress.kept.keep_anew(stage, plan)
        self.progress.note(Event.ANEW, stage, digest=plan.digest, words=folder.name)
        self._tell(stage, self.progress.in_force(stage), stale)
        return self.progress.in_force(stage)

    def left_behind(self, stage: KeptStage, pool: Pool) -> Iterator[str]:
        """Who is on the host of *stage* in *pool*, and would be once it is emptied by its plan; a sentence."""
        if stage.purpose is Purpose.EMPTY:
            ends = stage.plan.predicted.host_of
            leave = {step.vm for step in stage.plan.steps if ends.get(step.vm) != stage.host}
            left = guests_on(stage.host, pool, but=leave | {each.vm for each in stage.shut_down})
            if left:
                yield f"{first_few(left, SHOWN)} came to {stage.host_name} since it was planned"

    def may_do_better(self, stage: KeptStage) -> bool:
        """Whether another plan for *stage* may do better than the one that was refused, which then is not legal."""
        return self._plans_anew and any(self._against(stage, self.site.look()))

    def approved(self, stage: KeptStage) -> None:
        """Pass where the plan of *stage* may be carried out, as far as it waits for an approval of its own.

        Raises:
            ApprovalRefused: it does.
        """
        before = self.progress.said_yes(stage)
        if self.site.approved(stage, before=before) and not before:
            self.progress.note(Event.APPROVED, stage, digest=stage.plan.digest)

    def astray(self, pool: Pool) -> Iterator[str]:
        """Who is not home in *pool* although everything is done, a sentence each, where stages were planned anew."""
        if self.progress.habit.leaves_vms_away or not self.made_anew:
            return
        for vm, home in sorted(self._planned.start().host_of.items()):
            there = pool.vms[vm].resident_on if vm in pool.vms else None
            if there is not None and there != home and home in pool.hosts:
                yield f"{pool.vms[vm].name} is on {pool.hosts[there].name}, and was on {pool.hosts[home].name}"

    @property
    def made_anew(self) -> tuple[str, ...]:
        """The stages whose plan was made anew, each by the folder of the former one."""
        return tuple(each.folder.name for each in self.progress.stages if self.progress.has(Event.ANEW, each))

    @property
    def _plans_anew(self) -> bool:
        return self.site.policy.rolling.plan_anew

    @property
    def _planned(self) -> PlannedAnew:
        return PlannedAnew(site=self.site, progress=self.progress)

    def _completed(self, stage: KeptStage, pool: Pool) -> KeptStage:
        """*stage* planned anew where stages that were have taken away VMs that its way home knows nothing of.

        Where there is no other way home, this one is legal, and stays.
        """
        ends, homes = stage.plan.predicted.host_of, self._planned.start().host_of
        away = [pool.vms[vm].name for vm in self._planned.away(stage, pool) if ends.get(vm) != homes[vm]]
        if not away or not self.made_anew or stage.times_anew:
            return stage
        try:
            return self.anew(stage, StalePlan([f"{first_few(sorted(away), SHOWN)} would not be brought home"]))
        except StalePlan as none:
            self.site.say(str(none))
            return stage

    def _against(self, stage: KeptStage, pool: Pool) -> Iterator[str]:
        """Why the plan of *stage* may not be carried out in *pool*: it is not legal, or would leave somebody behind."""
        yield from self._findings(stage, pool)
        yield from self.left_behind(stage, pool)

    def _findings(self, stage: KeptStage, pool: Pool) -> tuple[str, ...]:
        """What is not legal of the plan of *stage* in *pool* as it will be then."""
        host, at = self.progress.host(pool, stage), self.site.clock.now()
        now = PoolState(pool=pool, demand=None, taken_at=at, source="")
        then = out_of_service(now, host) if stage.purpose is Purpose.EMPTY else in_service(now, host)
        return tuple(map(str, verify(stage.plan, then, now=at)))

    def _tell(self, former: KeptStage, stage: KeptStage, stale: StalePlan | IllegalPlan) -> None:
        steps, size = stage.plan.steps, sum(step.copied_bytes for step in stage.plan.steps)
        name, made = former.folder.name, f"{counted(len(steps), 'step')}, {size_in_words(size)} to copy"
        why = [each.removeprefix(f"{name}: ") for each in stale.reasons]
        self.site.say(f"{name} is planned anew, because the pool has changed: {first_few(why, SHOWN)}")
        self.site.say(f"under the same policy: {made}; it stands in {stage.folder}, the former in {former.folder}")
        for warning in stage.plan.warnings if stage.purpose is Purpose.RETURN else ():
            self.site.say(warning)
