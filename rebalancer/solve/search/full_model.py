"""One CP-SAT model of everything, and searches whose answer loses no failure of hosts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rebalancer.solve.instance.instance import Ints
from rebalancer.solve.model.cp_sat import SolverAnswer, Status, search
from rebalancer.solve.model.effort import Effort
from rebalancer.solve.model.objective_terms import Goal
from rebalancer.solve.model.placement_model import PlacementModel
from rebalancer.solve.model.tier import Progress, TierAnswer, TierProblem
from rebalancer.solve.model.variables import Scope

PROOF_SHARE = 0.4
"""Part of the work for raising the bound, which finds no placement on the way, where none is known to begin with."""


def improve_full_model(tier: TierProblem, start: Ints | None, effort: Effort, progress: Progress) -> TierAnswer:
    """The best placement of the whole model within *effort*; never worse than *start*."""
    if start is not None and effort.until.passed:
        return as_it_is(tier, start)
    first = effort if start is not None else effort.part(PROOF_SHARE)
    model, goal, answer = search_lazily(tier, tier.whole(), start, first, progress)
    if start is None and answer.status is Status.NOTHING_FOUND:
        rest = replace(effort.part(1 - PROOF_SHARE), prove=False)
        model, goal, second = search_lazily(tier, tier.whole(), start, rest, progress)
        answer = replace(
            second,
            bound=max(answer.bound, second.bound),
            deterministic=answer.deterministic + second.deterministic,
            on_time=answer.on_time and second.on_time,
        )
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
        enough=answer.status is Status.OPTIMAL,
        impossible=answer.status is Status.IMPOSSIBLE,
    )


def as_it_is(tier: TierProblem, at: Ints) -> TierAnswer:
    """The answer of a tier for which no time is left: *at*, of which nothing is proved."""
    goal, value = tier.evaluate(at)
    return TierAnswer(at=at, goal=goal, value=value, bound=min(0, value), on_time=False, enough=False)


def search_lazily(
    tier: TierProblem, scope: Scope, start: Ints | None, effort: Effort, progress: Progress | None = None
) -> tuple[PlacementModel, Goal, SolverAnswer]:
    """The model that was searched last, its goal, and an answer that the checker of failures accepts, or none.

    What an answer loses is stated in the next model, and the search goes on.
    """
    spent = 0.0
    while True:
        model, goal = tier.model(scope)
        if start is not None:
            model.hint(start)
        left = replace(effort, deterministic=max(0.01, effort.deterministic - spent))
        answer = search(model, goal, left, progress=_in_unit_of(goal, progress) if progress else None)
        spent += answer.deterministic
        answer = replace(answer, deterministic=spent)
        stated = tier.instance.found_to_matter
        if answer.at is None or tier.outlives(answer.at):
            return model, goal, answer
        if spent >= effort.deterministic or tier.instance.found_to_matter == stated:
            return model, goal, replace(answer, at=None, status=Status.NOTHING_FOUND)


def _in_unit_of(goal: Goal, progress: Progress) -> Callable[[int, int], None]:
    return lambda value, bound: progress(value * float(goal.worth), bound * float(goal.worth))
