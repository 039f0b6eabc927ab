"""The way home as a plan of its own: it is reviewed, verified and applied like any other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from rebalancer.inventory import Uuid
from rebalancer.placement import Placement
from rebalancer.plan import Finding, Plan, Step, sealed, verify_plan
from rebalancer.plan.compose import Chosen, compose
from rebalancer.plan.elsewhere import problem_at
from rebalancer.plan.rollback import way_home
from rebalancer.plan.search import Leg
from rebalancer.plan.steps import legs_of
from rebalancer.plan.why import HOME
from rebalancer.problem import Problem
from rebalancer.rules import rules_for


def plan_home(plan: Plan, problem: Problem, *, open_again: Collection[Uuid]) -> Plan:
    """The plan that leads from the end of *plan* to where the VMs of *problem* are.

    It is held to the policy of *problem*, and counts on the hosts *open_again* being enabled when it is applied. VMs
    that some rule does not let back stay where *plan* brought them; the warnings name them. If nothing is legal, the
    plan has no steps and says why.
    """
    before = opened(problem, open_again)
    way = _Way(before, problem_at(before, plan.predicted), plan.made_at)
    return way.plan(legs_of(plan.steps), f"back to where everything was before the plan {plan.digest}")


def plan_return(problem: Problem, homes: Mapping[Uuid, Uuid], *, made_at: datetime) -> Plan:
    """The plan that brings the VMs of *homes* from where they are in *problem* to the hosts that *homes* names.

    VMs that some rule does not let there stay; the warnings name them. If nothing is legal, the plan has no steps.
    """
    goal = problem_at(problem, Placement({**problem.initial.host_of, **homes}))
    away = goal.initial.moves_to(problem.initial)
    legs = [Leg(vm=move.vm, source=move.source, target=move.target, hop=False, disks=move.disks) for move in away]
    return _Way(goal, problem, made_at).plan(legs, "back home")


def opened(problem: Problem, hosts: Collection[Uuid]) -> Problem:
    """*problem* with *hosts* enabled: nobody goes back to a host that is still being worked on."""
    enabled = {
        uuid: replace(host, enabled=True) if uuid in hosts else host for uuid, host in problem.pool.hosts.items()
    }
    return replace(problem, pool=replace(problem.pool, hosts=enabled))


class _Way:
    """The way from *away* to where the VMs of *home* are."""

    def __init__(self, home: Problem, away: Problem, made_at: datetime) -> None:
        self._home, self._away, self._made_at = home, replace(away, before=None), made_at

    def plan(self, legs: Sequence[Leg], reason: str) -> Plan:
        """The plan; *legs* led away."""
        seed = self._home.policy.limits.seed
        back, stranded = way_home(legs, self._home, rules_for(self._home), seed=seed)
        warnings = tuple(f"VM {each.name} stays on its new host: {each.words} [{each.rule}]" for each in stranded)
        plan = self._composed(back, reason, warnings)
        findings = verify_plan(plan, self._away.pool, self._away.demand, now=self._made_at)
        return self._composed((), _refusal(findings), warnings) if findings else plan

    def _composed(self, back: Sequence[Step], reason: str, warnings: tuple[str, ...]) -> Plan:
        """The steps *back* as a plan."""
        goal = self._away.initial.after(*(step.move for step in back))
        chosen = Chosen(goal=goal, tiers=(), outcome=HOME, reason=reason, warnings=warnings)
        made = compose(self._away, rules_for(self._away), chosen, legs_of(back), self._made_at)
        reasons = {(each.vm, each.source, each.target): each.why for each in back}
        steps = tuple(replace(step, why=reasons[step.vm, step.source, step.target]) for step in made.steps)
        return sealed(replace(made, steps=steps))


def _refusal(findings: Sequence[Finding]) -> str:
    """Why there is no way home, by the first thing that was found."""
    first = findings[0]
    return f"no legal way leads back to where the VMs were: {first.words} [{first.rule}]"
