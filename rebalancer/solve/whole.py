"""One CP-SAT model of everything, for objectives that need no balance of loads."""

from __future__ import annotations

from rebalancer.solve.prepare import Ints
from rebalancer.solve.search import Effort, Status, search
from rebalancer.solve.stage import Improved, Progress, Stage


def improve_whole(stage: Stage, start: Ints | None, effort: Effort, progress: Progress) -> Improved:
    """The best placement of the whole model within *effort*; never worse than *start*."""
    model, goal = stage.model(stage.whole())
    if start is not None:
        model.hint(start)
    worth = float(goal.worth)
    answer = search(model, goal, effort, progress=lambda value, bound: progress(value * worth, bound * worth))
    at, value = answer.at, answer.value
    if start is not None and (at is None or model.value(goal, start) <= value):
        at, value = start, model.value(goal, start)
    return Improved(
        at=at,
        goal=goal,
        value=value,
        bound=value if answer.status is Status.OPTIMAL and not effort.gap else answer.bound,
        deterministic=answer.deterministic,
        on_time=answer.on_time,
        impossible=answer.status is Status.IMPOSSIBLE,
    )
