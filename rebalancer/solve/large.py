"""Large pools: shifts, then parts of the pool solved anew and again, while the bound is raised beside them."""

from __future__ import annotations

import time

import numpy as np

from rebalancer.objectives import Balance, Overload, cpu_capacities
from rebalancer.solve.bounder import Bounder
from rebalancer.solve.goal import Goal
from rebalancer.solve.model import Scope
from rebalancer.solve.neighbourhood import Neighbourhoods
from rebalancer.solve.prepare import Ints, Prepared
from rebalancer.solve.search import Answer, Effort, search
from rebalancer.solve.shift import shifted
from rebalancer.solve.stage import Improved, Progress, Stage, unit_bytes

SMALL_PAIRS = 6_000
"""Pairs of unit and host up to which the whole model is quicker than its parts: 16 hosts with 375 VMs."""

PART_WORK = 0.4
"""Deterministic seconds for one part of the pool."""

CHOOSING_WORK = 0.1
"""What choosing a part and building its model counts as."""


def is_large(stage: Stage) -> bool:
    """Whether *stage* is about load, in a pool that is too large for the whole model."""
    about_load = isinstance(stage.objective, Balance | Overload)
    return about_load and int(stage.prepared.legal.sum()) > SMALL_PAIRS


def improve_large(stage: Stage, start: Ints, effort: Effort, progress: Progress) -> Improved:
    """The best placement found within *effort*, never worse than *start*, and the bound of a relaxation."""
    limits = overload_limits(stage.prepared)
    bounder = Bounder(stage, limits, effort)
    try:
        return _Improving(stage, limits, effort, progress, bounder).improved(start)
    finally:
        bounder.stop()


def overload_limits(prepared: Prepared) -> Ints:
    """Parts of a pCPU above which load is overload, shape (hosts,)."""
    problem = prepared.problem
    return prepared.resolution.limit_parts(cpu_capacities(problem) * problem.policy.objective.threshold)


class _Improving:
    """One improvement; keeps the best placement itself."""

    def __init__(self, stage: Stage, limits: Ints, effort: Effort, progress: Progress, bounder: Bounder) -> None:
        self._stage, self._limits, self._effort, self._progress = stage, limits, effort, progress
        self._bounder = bounder
        self._random = np.random.default_rng(effort.seed)
        self._until = time.monotonic() + effort.seconds
        self._work = effort.deterministic
        self._near = Neighbourhoods(stage.prepared, limits, unit_bytes(stage.prepared), self._random)

    def improved(self, start: Ints) -> Improved:
        """Shift, then solve parts until the bound is met or the effort is spent."""
        at = shifted(self._stage, start, self._limits)
        goal, value = self._value(start)
        _, after = self._value(at)
        at, value = (at, after) if after < value else (start, value)
        while not self._done(value) and self._work > 0 and time.monotonic() < self._until:
            answer = self._part(at)
            if answer.at is not None and answer.value < value:
                at, value = answer.at, answer.value
                self._progress(value * float(goal.worth), max(0, self._bounder.bound) * float(goal.worth))
        return self._with_bound(at, goal, value)

    def _done(self, value: int) -> bool:
        """Whether nothing better exists, or nothing that is worth the search."""
        return value - self._bounder.bound <= self._effort.gap * abs(value)

    def _part(self, at: Ints) -> Answer:
        """One part of the pool, solved anew."""
        model, goal = self._stage.model(Scope(free=self._near.choose(at), at=at))
        model.hint(at)
        effort = Effort(
            deterministic=PART_WORK,
            seconds=max(0.05, self._until - time.monotonic()),
            seed=int(self._random.integers(2**31)),
            presolve=False,
            prove=False,
        )
        answer = search(model, goal, effort)
        self._near.learn(proved=answer.bound >= answer.value)
        self._work -= answer.deterministic + CHOOSING_WORK
        return answer

    def _value(self, at: Ints) -> tuple[Goal, int]:
        """The goal where the units are *at*."""
        nothing = np.zeros_like(self._stage.prepared.legal)
        model, goal = self._stage.model(Scope(free=nothing, at=at))
        return goal, model.value(goal, at)

    def _with_bound(self, at: Ints, goal: Goal, value: int) -> Improved:
        """The answer, once the bound is as high as it gets."""
        on_time = self._work <= 0 or self._done(value)
        if not self._done(value):
            self._bounder.wait()
            on_time = on_time and self._bounder.on_time
        if self._bounder.answer is not None:
            _, proved = self._value(self._bounder.answer)
            at, value = (self._bounder.answer, proved) if proved < value else (at, value)
        return Improved(
            at=at,
            goal=goal,
            value=value,
            bound=min(value, max(0, self._bounder.bound)),
            deterministic=self._effort.deterministic - max(0.0, self._work),
            on_time=on_time and not self._effort.gap,
            bound_by=self._bounder.words,
        )
