"""The way home as a plan of its own: it is reviewed, verified and applied like any other."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from rebalancer.inventory import Uuid
from rebalancer.placement import Placement
from rebalancer.plan import Finding, Plan, Step, StepKind, sealed, verify_plan
from rebalancer.plan.compose import Chosen, compose
from rebalancer.plan.elsewhere import problem_at
from rebalancer.plan.rollback import way_home
from rebalancer.plan.search import Leg
from rebalancer.problem import Problem
from rebalancer.rules import rules_for

OUTCOME = "home"


def plan_home(plan: Plan, problem: Problem, *, open_again: Collection[Uuid]) -> Plan:
    """The plan that leads from the end of *plan* to where the VMs of *problem* are.

    It is held to the policy of *problem*, and counts on the hosts *open_again* being enabled when it is applied. VMs
    that some rule does not let back stay where *plan* brought them; the warnings name them. If nothing is legal, the
    plan has no steps and says why.
    """
    before = _opened(problem, open_again)
    seed = problem.policy.limits.seed
    back, stranded = way_home(_legs(plan.steps), before, rules_for(before), seed=seed)
    warnings = tuple(f"VM {each.name} stays on its new host: {each.words} [{each.rule}]" for each in stranded)
    reason = f"back to where everything was before the plan {plan.digest}"
    home = _plan(plan, before, back, reason, warnings)
    findings = verify_plan(home, problem_at(before, plan.predicted).pool, problem.demand, now=plan.made_at)
    return _plan(plan, before, (), _refusal(findings), warnings) if findings else home


def _plan(plan: Plan, before: Problem, back: Sequence[Step], reason: str, warnings: tuple[str, ...]) -> Plan:
    """The steps *back* as a plan for the pool as *plan* leaves it."""
    after = problem_at(before, plan.predicted)
    goal = Placement({**after.initial.host_of, **{step.vm: step.target for step in back}})
    chosen = Chosen(goal=goal, tiers=(), outcome=OUTCOME, reason=reason, warnings=warnings)
    made = compose(after, rules_for(after), chosen, _legs(back), plan.made_at)
    steps = tuple(replace(step, why=each.why) for step, each in zip(made.steps, back, strict=True))
    return sealed(replace(made, steps=steps))


def _opened(problem: Problem, hosts: Collection[Uuid]) -> Problem:
    """*problem* with *hosts* enabled: nobody goes back to a host that is still being worked on."""
    opened = {uuid: replace(host, enabled=True) if uuid in hosts else host for uuid, host in problem.pool.hosts.items()}
    return replace(problem, pool=replace(problem.pool, hosts=opened))


def _legs(steps: Sequence[Step]) -> list[Leg]:
    """Steps as migrations."""
    return [Leg(vm=step.vm, source=step.source, target=step.target, hop=step.kind is StepKind.HOP) for step in steps]


def _refusal(findings: Sequence[Finding]) -> str:
    """Why there is no way home, by the first thing that was found."""
    first = findings[0]
    return f"no legal way leads back to where the VMs were: {first.words} [{first.rule}]"
