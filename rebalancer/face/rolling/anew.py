"""Plans of stages made anew for the pool as it is: under the policy that the former ones were made under."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rebalancer.errors import Infeasible, NoLegalOrder, PolicyError, StalePlan
from rebalancer.face.maintenance import in_service, out_of_service
from rebalancer.face.model import Model
from rebalancer.face.rolling.kept import KeptStage
from rebalancer.face.rolling.site import Progress, Site
from rebalancer.face.rolling.trace import Event
from rebalancer.face.task import task_of
from rebalancer.inventory import Pool, Uuid
from rebalancer.placement import Placement
from rebalancer.plan import Plan
from rebalancer.policy import Policy
from rebalancer.whatif.evacuate import emptied, who_is_blocked
from rebalancer.whatif.home import plan_return
from rebalancer.whatif.itinerary import WISH, Purpose, wished
from rebalancer.whatif.pinned import may_be_shut_down

NO_PLAN = (Infeasible, NoLegalOrder, PolicyError)
"""Why there may be no other plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedAnew:
    """Plans of stages that are made at *site*, where the work has come as far as *progress* tells."""

    site: Site
    progress: Progress

    def plan(self, stage: KeptStage) -> Plan:
        """Another plan for *stage*.

        Raises:
            StalePlan: there is none, with who is in the way.
            XapiError: the pool cannot be read.
        """
        try:
            return self._emptying(stage) if stage.purpose is Purpose.EMPTY else self._returning(stage)
        except NO_PLAN as error:
            raise StalePlan([f"{stage.folder.name} cannot be planned anew: {error}"]) from error

    def _emptying(self, stage: KeptStage) -> Plan:
        """The plan that empties the host of *stage*; of those that were to be shut down, who can leave does."""
        policy = self._policy(stage)
        state, host = self.site.read(policy.demand), stage.host
        closed = out_of_service(state, self.progress.host(state.pool, stage))
        task = task_of(Model(closed, policy, state_dir=self.site.state_dir), self.site.clock.now())
        problem = wished(task.book.problem, host, self._done(), self.progress.habit, self.start().host_of)
        pinned = self._pinned(stage, closed.pool) & {each.vm for each in who_is_blocked(problem, [host])}
        found = emptied(problem, [host], made_at=task.made_at, pace=task.pace, staying=pinned)
        if found.plan is None:
            raise found.refused or StalePlan([f"{stage.host_name} cannot be emptied"])
        return found.plan

    def _returning(self, stage: KeptStage) -> Plan:
        """The plan that brings home who should be there after *stage*."""
        policy = self._policy(stage)
        state = self.site.read(policy.demand)
        opened = in_service(state, self.progress.host(state.pool, stage))
        task = task_of(Model(opened, policy, state_dir=self.site.state_dir), self.site.clock.now())
        problem, start = task.book.problem, self.start()
        away = sorted(self.away(stage, opened.pool))
        plan = plan_return(problem, start, away, made_at=task.made_at, pace=task.pace)
        if away and not plan.steps:
            why = plan.warnings or (plan.reason,)
            raise StalePlan([f"{stage.folder.name} cannot be planned anew: {each}" for each in why])
        return plan

    def homeward(self) -> Plan | None:
        """The plan that brings home from where they are all that stages moved; None where nobody is to be.

        Whoever has a home on a host that is disabled, or that the pool does not see live, stays, which is said.

        Raises:
            XapiError: the pool cannot be read.
        """
        begun = list(self._begun())
        if not begun or self.progress.habit.leaves_vms_away:
            return None
        policy, start = self._policy(begun[-1]).model_copy(update={"empty": ()}), self.start()
        state = self.site.read(policy.demand)
        away = sorted(vm for vm, home in _strays(start, state.pool) if self._takes(home, vm, state.pool))
        if not away:
            return None
        task = task_of(Model(state, policy, state_dir=self.site.state_dir), self.site.clock.now())
        return plan_return(task.book.problem, start, away, made_at=task.made_at, pace=task.pace)

    def _takes(self, home: Uuid, vm: Uuid, pool: Pool) -> bool:
        """Whether the host *home* is in service in *pool*; said of *vm* where it is not."""
        host = pool.hosts[home]
        if host.enabled and host.live:
            return True
        self.site.say(f"VM {pool.vms[vm].name} stays on its new host: {host.name} is not in service")
        return False

    def away(self, stage: KeptStage, pool: Pool) -> Iterator[Uuid]:
        """The VMs that should be home after *stage*, were moved away, and are not home in *pool*.

        Whoever has a home on the host of the stage returns with it, all others with the last stage.
        """
        last = stage.number == len(self.progress.stages)
        return (vm for vm, home in _strays(self.start(), pool) if last or home == stage.host)

    def start(self) -> Placement:
        """Where VMs were that plans took away and none has led home since, and their disks."""
        hosts: dict[Uuid, Uuid] = {}
        srs: dict[Uuid, Mapping[Uuid, Uuid]] = {}
        for stage in self._begun():
            plan, moved = stage.plan, {step.vm for step in stage.plan.steps}
            if stage.purpose is Purpose.EMPTY:
                before = plan.before
                hosts = {vm: before[vm] for vm in moved} | hosts
                srs = {vm: before.srs_of[vm] for vm in moved if vm in before.srs_of} | srs
            elif self.progress.has(Event.DONE, stage):
                ends = plan.predicted.host_of
                hosts = {vm: home for vm, home in hosts.items() if vm not in moved or ends[vm] != home}
        return Placement(hosts, {vm: drives for vm, drives in srs.items() if vm in hosts})

    def _begun(self) -> Iterator[KeptStage]:
        """The stages that were begun, in their order, with the plans that were carried out."""
        for stage in self.progress.stages:
            if self.progress.has(Event.STAGE, stage):
                yield self.progress.in_force(stage)

    def _done(self) -> list[Uuid]:
        stages = (each for each in self.progress.stages if each.purpose is Purpose.EMPTY)
        return [stage.host for stage in stages if self.progress.has(Event.DONE, stage)]

    def _pinned(self, stage: KeptStage, pool: Pool) -> frozenset[Uuid]:
        """Those of the VMs that were to be shut down that still can be, and that the policy names."""
        if not stage.shut_down:
            return frozenset()
        return may_be_shut_down(self.site.policy.rolling.shut_down, pool) & {each.vm for each in stage.shut_down}

    def _policy(self, stage: KeptStage) -> Policy:
        """The policy of the plan that *stage* was to be carried out by, without what stood in it for that plan alone.

        A stage by itself has all the time to be solved in that the stages shared.
        """
        policy, seconds = stage.plan.policy, self.site.policy.limits.solve_seconds
        limits = policy.limits.model_copy(update={"solve_seconds": seconds})
        wishes = tuple(each for each in policy.run_on if not each.name.startswith(WISH))
        return policy.model_copy(update={"limits": limits, "run_on": wishes})


def _strays(start: Placement, pool: Pool) -> Iterator[tuple[Uuid, Uuid]]:
    """The VMs that are elsewhere in *pool* than at *start*, with the host of each there, if the pool still has it."""
    for vm, home in start.host_of.items():
        there = pool.vms[vm].resident_on if vm in pool.vms else None
        if there is not None and there != home and home in pool.hosts:
            yield vm, home
