"""A search whose answer loses no failure of hosts: what it loses is stated, and the search goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rebalancer.solve.instance.instance import Ints
from rebalancer.solve.model.cp_sat import Effort, SolverAnswer, Status, search
from rebalancer.solve.model.objective_terms import Goal
from rebalancer.solve.model.placement_model import PlacementModel
from rebalancer.solve.model.tier import TierProblem
from rebalancer.solve.model.variables import Scope


def search_lazily(
    tier: TierProblem,
    scope: Scope,
    start: Ints | None,
    effort: Effort,
    progress: Callable[[Goal, int, int], None] | None = None,
) -> tuple[PlacementModel, Goal, SolverAnswer]:
    """The model that was searched last, its goal, and an answer that the checker of failures accepts, or none."""
    spent = 0.0
    while True:
        model, goal = tier.model(scope)
        if start is not None:
            model.hint(start)
        tell = None if progress is None else _telling(progress, goal)
        left = replace(effort, deterministic=max(0.01, effort.deterministic - spent))
        answer = search(model, goal, left, progress=tell)
        spent += answer.deterministic
        answer = replace(answer, deterministic=spent)
        stated = len(tier.instance.failures.stated)
        if answer.at is None or tier.outlives(answer.at):
            return model, goal, answer
        if spent >= effort.deterministic or len(tier.instance.failures.stated) == stated:
            return model, goal, replace(answer, at=None, status=Status.NOTHING_FOUND)


def _telling(progress: Callable[[Goal, int, int], None], goal: Goal) -> Callable[[int, int], None]:
    return lambda value, bound: progress(goal, value, bound)
