"""From an order to steps: names, dependencies, sizes, durations and reasons."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.plan.dependencies import dependencies
from rebalancer.plan.duration import step_seconds
from rebalancer.plan.plan import Step, StepKind
from rebalancer.plan.search import Leg
from rebalancer.problem import Problem
from rebalancer.rules import Rule


def steps_of(
    legs: Sequence[Leg], problem: Problem, rules: Sequence[Rule], reasons: Sequence[str], *, prefix: str = "s"
) -> tuple[Step, ...]:
    """*legs* as steps `s01`, `s02` ... with one of *reasons* each.

    Args:
        legs: in a legal order.
        problem: the pool before the first leg.
        rules: the rules that bind.
        reasons: why, one a leg.
        prefix: first letter of the ids.
    """
    pool = problem.pool
    width = max(2, len(str(len(legs))))
    ids = [f"{prefix}{number:0{width}}" for number in range(1, len(legs) + 1)]
    waits = dependencies(legs, problem, rules)
    return tuple(
        Step(
            id=name,
            kind=StepKind.HOP if leg.hop else StepKind.MOVE,
            vm=leg.vm,
            vm_name=pool.vms[leg.vm].name,
            source=leg.source,
            source_name=pool.hosts[leg.source].name,
            target=leg.target,
            target_name=pool.hosts[leg.target].name,
            after=tuple(ids[earlier] for earlier in before),
            memory_bytes=pool.vms[leg.vm].migration_memory_bytes,
            seconds=step_seconds(pool.vms[leg.vm], pool.hosts[leg.source], pool.hosts[leg.target]),
            why=why,
        )
        for name, leg, before, why in zip(ids, legs, waits, reasons, strict=True)
    )
