"""One CP-SAT model of everything, for objectives that need no balance of loads."""

from __future__ import annotations

from rebalancer.solve.goal import Goal
from rebalancer.solve.lazily import search_lazily
from rebalancer.solve.prepare import Ints
from rebalancer.solve.search import Effort, Status
from rebalancer.solve.stage import Improved, Progress, Stage


def improve_whole(stage: Stage, start: Ints | None, effort: Effort, progress: Progress) -> Improved:
    """The best placement of the whole model within *effort*; never worse than *start*."""

    def tell(goal: Goal, value: int, bound: int) -> None:
        progress(value * float(goal.worth), bound * float(goal.worth))

    model, goal, answer = search_lazily(stage, stage.whole(), start, effort, tell)
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
