"""The way home as a plan of its own: it is reviewed, verified and applied like any other."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from rebalancer.describe.reasons import HOME
from rebalancer.inventory import Uuid
from rebalancer.placement import Placement
from rebalancer.plan import Finding, Pace, Plan, Step
from rebalancer.plan.duration import NO_EXPERIENCE
from rebalancer.planner.compose import compose
from rebalancer.planner.way_back import latest_first, way_to
from rebalancer.problem import Problem, problem_at
from rebalancer.rules import Rulebook
from rebalancer.solve import Solution
from rebalancer.verify.verify import refusals


def plan_home(plan: Plan, problem: Problem, *, open_again: Collection[Uuid], pace: Pace = NO_EXPERIENCE) -> Plan:
    """The plan that leads from the end of *plan* to where the VMs of *problem* are.

    It is held to the policy of *problem*, and counts on the hosts *open_again* being enabled when it is applied. VMs
    that some rule does not let back stay where *plan* brought them, and so do those that it brought to another pool,
    where nobody knows yet what their disks will be called; the warnings name them. If nothing is legal, the plan has no
    steps and says why.
    """
    before = opened(problem, open_again)
    over = {step.vm: step for step in plan.steps if step.crossing}
    way = _Way(_but(before.initial, over, plan.predicted), problem_at(before, plan.predicted), plan.made_at, pace)
    reason = f"back to where everything was before the plan {plan.digest}"
    return way.plan(
        reason,
        first=latest_first(plan.steps),
        stay=[_over(step) for step in over.values()],
    )


def _but(home: Placement, vms: Collection[Uuid], there: Placement) -> Placement:
    """*home*, but *vms* as they are *there*."""
    hosts = {vm: there[vm] for vm in vms}
    srs = {vm: there.srs_of[vm] for vm in vms if vm in there.srs_of}
    return Placement({**home.host_of, **hosts}, {**home.srs_of, **srs})


def _over(step: Step) -> str:
    pool = step.crossing.pool_name if step.crossing else ""
    return f"VM {step.vm_name} stays in pool {pool}: rollback of the plan leads it home, once it is there"


def plan_return(
    problem: Problem, start: Placement, vms: Collection[Uuid], *, made_at: datetime, pace: Pace = NO_EXPERIENCE
) -> Plan:
    """The plan that brings *vms* from where they are in *problem* to where they were at *start*, disks included.

    VMs that some rule does not let there stay; the warnings name them. If nothing is legal, the plan has no steps.
    """
    now = problem.initial
    homes = {vm: start[vm] for vm in vms}
    srs = {vm: {**drives, **start.srs_of.get(vm, {})} for vm, drives in now.srs_of.items() if vm in homes}
    home = Placement({**now.host_of, **homes}, {**now.srs_of, **srs})
    return _Way(home, problem, made_at, pace).plan("back home", first=sorted(homes, reverse=True))


def opened(problem: Problem, hosts: Collection[Uuid]) -> Problem:
    """*problem* with *hosts* enabled: nobody goes back to a host that is still being worked on."""
    enabled = {
        uuid: replace(host, enabled=True) if uuid in hosts else host for uuid, host in problem.pool.hosts.items()
    }
    return replace(problem, pool=replace(problem.pool, hosts=enabled))


class _Way:
    """The way from *away* to *home*, held to all rules: what was there before is not restored where it broke them."""

    def __init__(self, home: Placement, away: Problem, made_at: datetime, pace: Pace) -> None:
        self._home, self._away, self._made_at, self._pace = home, replace(away, before=None), made_at, pace
        self._book = Rulebook.of(self._away)

    def plan(self, reason: str, *, first: Sequence[Uuid], stay: Sequence[str] = ()) -> Plan:
        """The plan; VMs that are *first* are tried first, and it warns of those that *stay*, in words."""
        seed = self._away.policy.limits.seed
        back, stranded = way_to(self._home, self._book, first=first, seed=seed, pace=self._pace)
        held = (f"VM {each.name} stays on its new host: {each.words} [{each.rule}]" for each in stranded)
        warnings = (*stay, *held)
        plan = self._composed(back, reason, warnings)
        findings = refusals(plan, self._away.pool, self._away.demand, now=self._made_at)
        return self._composed((), _refusal(findings), warnings) if findings else plan

    def _composed(self, back: Sequence[Step], reason: str, warnings: tuple[str, ...]) -> Plan:
        goal = self._away.initial.after(*(step.migration for step in back))
        solution = Solution(placement=goal, outcome=HOME, reason=reason, warnings=warnings)
        why = [step.why for step in back]
        return compose(self._book, solution, [step.migration for step in back], self._made_at, pace=self._pace, why=why)


def _refusal(findings: Sequence[Finding]) -> str:
    first = findings[0]
    return f"no legal way leads back to where the VMs were: {first.words} [{first.rule}]"
