"""One CP-SAT model of everything, for objectives that need no balance of loads."""

from __future__ import annotations

from dataclasses import replace

from rebalancer.solve.instance.instance import Ints
from rebalancer.solve.model.cp_sat import Effort, SolverAnswer, Status
from rebalancer.solve.model.lazy_failures import search_lazily
from rebalancer.solve.model.objective_terms import Goal
from rebalancer.solve.model.tier import Progress, TierAnswer, TierProblem

PROOF_SHARE = 0.4
"""Part of the work for raising the bound, which finds no placement on the way, where none is known to begin with."""


def improve_full_model(tier: TierProblem, start: Ints | None, effort: Effort, progress: Progress) -> TierAnswer:
    """The best placement of the whole model within *effort*; never worse than *start*."""

    def tell(goal: Goal, value: int, bound: int) -> None:
        progress(value * float(goal.worth), bound * float(goal.worth))

    first = effort if start is not None else effort.part(PROOF_SHARE)
    model, goal, answer = search_lazily(tier, tier.whole(), start, first, tell)
    if start is None and answer.status is Status.NOTHING_FOUND:
        rest = replace(effort.part(1 - PROOF_SHARE), prove=False)
        model, goal, second = search_lazily(tier, tier.whole(), start, rest, tell)
        answer = _both(answer, second)
    at, value = answer.at, answer.value
    if start is not None and (at is None or model.value(goal, start) <= value):
        at, value = start, model.value(goal, start)
    return TierAnswer(
        at=at,
        goal=goal,
        value=value,
        bound=value if answer.status is Status.OPTIMAL and not effort.gap else answer.bound,
        deterministic=answer.deterministic,
        on_time=answer.on_time,
        impossible=answer.status is Status.IMPOSSIBLE,
    )


def _both(first: SolverAnswer, second: SolverAnswer) -> SolverAnswer:
    return replace(
        second,
        bound=max(first.bound, second.bound),
        deterministic=first.deterministic + second.deterministic,
        on_time=first.on_time and second.on_time,
    )
