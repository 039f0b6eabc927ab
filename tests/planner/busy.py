"""A plan in which order matters, and every way to change one thing of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from rebalancer.demand import LoadProfile
from rebalancer.inventory import Pool
from rebalancer.plan import Finding, Plan, Step, StepKind
from rebalancer.verify.verify import verify_plan
from tests.plan.made import LATER, demand_of, goal_of, plan_of, pool_with
from tests.pools import policy_of, problem_of

Value = TypeVar("Value", Plan, Step)


def busy_pool() -> Pool:
    """Four hosts with a chain, a swap and bystanders, so that order matters."""
    return pool_with(
        {"h1": 24, "h2": 24, "h3": 24, "h4": 12},
        {
            "big": ("h1", 14),
            "small": ("h2", 12),
            "web-1": ("h1", 4),
            "web-2": ("h2", 4),
            "db": ("h3", 6),
            "log": ("h3", 2),
        },
    )


def busy_plan() -> Plan:
    """A plan of five steps, one of them a hop, with demand and tiers."""
    pool = busy_pool()
    demand = demand_of(pool, {"big": 9.0, "web-1": 5.0})
    problem = problem_of(pool, demand=demand)
    goal = goal_of(problem, big="h2", small="h1", **{"web-2": "h3", "log": "h4"})
    return plan_of(problem, goal, tiers=("repair", "balance", "peak"))


PLAN = busy_plan()


def verdict(
    plan: Plan,
    pool: Pool | None = None,
    demand: LoadProfile | None = None,
    *,
    now: datetime = LATER,
    done: Collection[str] = (),
) -> tuple[Finding, ...]:
    """What verifying against the pool it was made from says."""
    return verify_plan(plan, pool or busy_pool(), demand, now=now, done=done)


def edited(plan: Plan, number: int, **changes: object) -> Plan:
    """The plan with one step changed."""
    steps = list(plan.steps)
    steps[number] = changed(steps[number], **changes)
    return replace(plan, steps=tuple(steps))


def changed(value: Value, **changes: object) -> Value:
    """A value with fields of any type."""
    edit: Any = replace
    made: Value = edit(value, **changes)
    return made


def dropped(plan: Plan) -> Iterator[tuple[str, Plan]]:
    """Every plan with one step less; nobody waits for it any more."""
    for gone in plan.steps:
        left = [
            replace(step, after=tuple(each for each in step.after if each != gone.id))
            for step in plan.steps
            if step != gone
        ]
        yield f"drop {gone.id}", replace(plan, steps=tuple(left))


def reversed_(plan: Plan) -> Iterator[tuple[str, Plan]]:
    """Every plan with one step turned round."""
    for number, step in enumerate(plan.steps):
        turned = {
            "source": step.target,
            "source_name": step.target_name,
            "target": step.source,
            "target_name": step.source_name,
        }
        yield f"reverse {step.id}", edited(plan, number, **turned)


def retargeted(plan: Plan) -> Iterator[tuple[str, Plan]]:
    """Every plan with one step to another host, and its kind as it was or turned."""
    for number, step in enumerate(plan.steps):
        for row in plan.hosts:
            if row.uuid not in {step.source, step.target}:
                for kind in StepKind:
                    name = f"retarget {step.id} to {row.name} as {kind}"
                    yield name, edited(plan, number, target=row.uuid, target_name=row.name, kind=kind)


def swapped(plan: Plan) -> Iterator[tuple[str, Plan]]:
    """Every plan with two steps in each other's place."""
    for one in range(len(plan.steps)):
        for other in range(one):
            steps = list(plan.steps)
            steps[one], steps[other] = steps[other], steps[one]
            yield f"swap {steps[one].id} and {steps[other].id}", replace(plan, steps=tuple(steps))


def added(plan: Plan) -> Iterator[tuple[str, Plan]]:
    """The plan with one more step, for every VM that stays and every host."""
    moving = {step.vm for step in plan.steps}
    for row in plan.hosts:
        for vm in set(row.before.vms) - moving:
            for target in plan.hosts:
                if target != row:
                    step = replace(
                        plan.steps[-1],
                        id="s99",
                        vm=vm,
                        vm_name=vm,
                        source=row.uuid,
                        source_name=row.name,
                        target=target.uuid,
                        target_name=target.name,
                        after=(plan.steps[-1].id,),
                    )
                    yield f"add {vm} to {target.name}", replace(plan, steps=(*plan.steps, step))


def reworded(plan: Plan) -> Iterator[tuple[str, Plan]]:
    """The plan with one field of a step or of itself changed."""
    for number, step in enumerate(plan.steps):
        yield f"memory of {step.id}", edited(plan, number, memory_bytes=step.memory_bytes + 2**40)
        yield f"source of {step.id}", edited(plan, number, source="h4", source_name="h4")
        yield f"VM of {step.id}", edited(plan, number, vm="db", vm_name="db")
        yield f"kind of {step.id}", edited(plan, number, kind=next(kind for kind in StepKind if kind != step.kind))
        yield f"relation of {step.id}", edited(plan, number, after=("s98",))
    for number, tier in enumerate(plan.tiers):
        tiers = list(plan.tiers)
        for field in ("before", "after", "bound"):
            tiers[number] = replace(tier, **{field: getattr(tier, field) + 1.0})
            yield f"{field} of tier {tier.objective}", replace(plan, tiers=tuple(tiers))
    yield "expiry", replace(plan, expires_at=plan.expires_at + timedelta(days=1))
    yield "date", replace(plan, made_at=plan.made_at - timedelta(days=1))
    yield "policy", replace(plan, made_from=replace(plan.made_from, policy=policy_of(name="another")))
    yield "pool", replace(plan, made_from=replace(plan.made_from, pool="another"))
    yield from host_figures(plan)


def host_figures(plan: Plan) -> Iterator[tuple[str, Plan]]:
    """The plan with one figure of one host changed."""
    for number, row in enumerate(plan.hosts):
        rows = list(plan.hosts)
        after = replace(row.after, memory_used_bytes=row.after.memory_used_bytes - 1)
        for name, other in (
            ("memory after", replace(row, after=after)),
            ("memory", replace(row, memory_total_bytes=(row.memory_total_bytes or 0) + 1)),
            ("VMs before", replace(row, before=replace(row.before, vms=row.before.vms[1:]))),
            ("VMs after", replace(row, after=replace(row.after, vms=row.after.vms[1:]))),
            ("peak", replace(row, after=replace(row.after, peak_share=0.01))),
        ):
            rows[number] = other
            if other != row:
                yield f"{name} of {row.name}", replace(plan, hosts=tuple(rows))
