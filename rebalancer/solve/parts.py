"""Overload: shifts, then parts of the pool solved anew and again, while a model of the whole raises the bound."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from rebalancer.objectives import Balance, Overload, cpu_capacities
from rebalancer.solve.bounder import Bounder
from rebalancer.solve.goal import Goal
from rebalancer.solve.model import Scope
from rebalancer.solve.neighbourhood import Neighbourhoods
from rebalancer.solve.prepare import Bools, Ints, Prepared
from rebalancer.solve.search import Answer, Effort, search
from rebalancer.solve.shift import shifted
from rebalancer.solve.stage import Improved, Progress, Stage, unit_bytes

PART_WORK = 0.25
"""Deterministic seconds for one part of the pool."""

NOISE = 0.3
"""How much the shifts of another descent differ: the deviation of the logarithm of their scores."""

STALLED = 12
"""Parts in a row that bring nothing, before the search starts anew and crosses what it finds with the best."""

CHOOSING_WORK = 0.03
READING_WORK = 4e-6
"""What choosing a part counts as, and reading its model, for each pair and slot: CP-SAT counts only its search."""


def is_about_load(stage: Stage) -> bool:
    """Whether *stage* is about overload: then shifts and parts find what the whole model takes long for."""
    return isinstance(stage.objective, Balance | Overload)


def improve_by_parts(stage: Stage, start: Ints, effort: Effort, progress: Progress) -> Improved:
    """The best placement found within *effort*, never worse than *start*, and the bound of a relaxation."""
    limits = overload_limits(stage.prepared)
    goal = stage.model(stage.at(start))[1]
    bounder = Bounder(stage, goal, limits, effort)
    try:
        return _Improving(stage, goal, limits, effort=effort, progress=progress, bounder=bounder).improved(start)
    finally:
        bounder.stop()


def overload_limits(prepared: Prepared) -> Ints:
    """Parts of a pCPU above which load is overload, shape (hosts,)."""
    problem = prepared.problem
    return prepared.resolution.limit_parts(cpu_capacities(problem) * problem.policy.objective.threshold)


class _Improving:
    """One improvement; keeps the best placement itself."""

    def __init__(
        self, stage: Stage, goal: Goal, limits: Ints, *, effort: Effort, progress: Progress, bounder: Bounder
    ) -> None:
        self._stage, self._goal, self._limits = stage, goal, limits
        self._effort, self._progress, self._bounder = effort, progress, bounder
        self._random = np.random.default_rng(effort.seed)
        self._until = time.monotonic() + effort.seconds
        self._work = effort.deterministic
        self._cost = unit_bytes(stage.prepared)
        self._lowest = 2**62

    def improved(self, start: Ints) -> Improved:
        """Descend, and descend again from other shifts, until the bound is met or the effort is spent."""
        best = self._descend(start, noise=0.0)
        while not self._over():
            other = self._descend(start, noise=NOISE)
            best = self._better(best, self._parts(self._crossed(best, other)))
        return self._with_bound(best)

    def _descend(self, start: Ints, *, noise: float) -> Ints:
        """Shifts from *start*, then parts until nothing is gained."""
        self._near = Neighbourhoods(self._stage.prepared, self._limits, self._cost, self._random)
        at = shifted(self._stage, start, self._limits, noise, self._random)
        return self._parts(self._better(start, at))

    def _parts(self, at: Ints) -> Ints:
        """Solve parts anew until too many in a row bring nothing."""
        value, fruitless = self._value(at), 0
        while fruitless < STALLED and not self._over():
            answer = self._solve(self._near.choose(at), at)
            self._near.learn(proved=answer.bound >= answer.value)
            fruitless += 1
            if answer.at is not None and answer.value < value:
                at, value, fruitless = answer.at, answer.value, 0
                self._tell(value)
        return at

    def _crossed(self, one: Ints, other: Ints) -> Ints:
        """The best placement that has every unit where one of two has it, or at home."""
        prepared, free = self._stage.prepared, np.zeros_like(self._stage.prepared.legal)
        units = np.flatnonzero(one != other)
        for at in (one, other, prepared.home):
            free[units, at[units]] = prepared.legal[units, at[units]]
        answer = self._solve(free, self._better(one, other))
        return self._better(one, other) if answer.at is None else answer.at

    def _better(self, one: Ints, other: Ints) -> Ints:
        """The better of two."""
        return other if self._value(other) < self._value(one) else one

    def _over(self) -> bool:
        """Whether the effort is spent, or nothing better is to be found."""
        return self._work <= 0 or time.monotonic() >= self._until or self._done(self._lowest)

    def _tell(self, value: int) -> None:
        """Note a value, and let it be heard where it is the best so far."""
        if value < self._lowest:
            self._lowest = value
            worth = float(self._goal.worth)
            self._progress(value * worth, max(0, self._bounder.bound) * worth)

    def _done(self, value: int) -> bool:
        """Whether nothing better exists, or nothing that is worth the search."""
        return value - self._bounder.bound <= self._effort.gap * abs(value)

    def _solve(self, free: Bools, at: Ints) -> Answer:
        """One part of the pool, solved anew from where it is."""
        model, goal = self._stage.model(Scope(free=free, at=at))
        model.hint(at)
        effort = Effort(
            deterministic=PART_WORK,
            seconds=max(0.05, self._until - time.monotonic()),
            seed=int(self._random.integers(2**31)),
            presolve=False,
            prove=False,
        )
        answer = search(model, goal, effort)
        if answer.at is not None and not self._stage.outlives(answer.at):
            answer = replace(answer, at=None)
        read = int(free.sum()) * self._stage.prepared.demand.shape[1]
        self._work -= answer.deterministic + CHOOSING_WORK + READING_WORK * read
        return answer

    def _value(self, at: Ints) -> int:
        """The goal's number where the units are *at*."""
        model, goal = self._stage.model(self._stage.at(at))
        return model.value(goal, at)

    def _with_bound(self, best: Ints) -> Improved:
        """The answer, once the bound is as high as it gets."""
        value = self._value(best)
        on_time = self._work <= 0 or self._done(value)
        if not self._done(value):
            self._bounder.wait()
            on_time = on_time and self._bounder.on_time
        if self._bounder.answer is not None and self._stage.outlives(self._bounder.answer):
            best = self._better(best, self._bounder.answer)
            value = self._value(best)
        return Improved(
            at=best,
            goal=self._goal,
            value=value,
            bound=min(value, max(0, self._bounder.bound)),
            deterministic=self._effort.deterministic - max(0.0, self._work),
            on_time=on_time and not self._effort.gap,
            bound_by=self._bounder.words,
        )
