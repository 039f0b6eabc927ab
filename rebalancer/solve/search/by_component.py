"""Components of a pool improved one by one: what shares nothing is searched and bounded by itself, then summed up."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from rebalancer.objectives import Repair
from rebalancer.solve.instance.instance import Ints
from rebalancer.solve.model.cp_sat import Effort
from rebalancer.solve.model.tier import HeldTier, Progress, TierAnswer, TierProblem
from rebalancer.solve.search.components import Component, components
from rebalancer.solve.search.lns import improve_by_parts

SHARE_WHERE_LIMITED = 0.5
"""Part of the effort for components where moves are limited: if they use too many, the rest is for the whole pool."""


def improve_apart(stage: TierProblem, start: Ints, effort: Effort, progress: Progress) -> TierAnswer:
    """The best placement found within *effort*: components apart, where there are several."""
    found = components(stage.instance, stage.forbidden)
    if len(found) == 1 or not _separable(stage):
        return improve_by_parts(stage, start, effort, progress)
    began = time.monotonic()
    share = SHARE_WHERE_LIMITED if _limited(stage) else 1.0
    first = replace(effort, deterministic=effort.deterministic * share, seconds=effort.seconds * share)
    apart = _Apart(stage, start, found, progress).improved(first)
    if apart.at is not None and stage.allows(apart.at):
        return apart
    left = replace(
        effort,
        deterministic=max(0.05, effort.deterministic - apart.deterministic),
        seconds=max(0.1, effort.seconds - (time.monotonic() - began)),
    )
    return _with_bound_of(apart, improve_by_parts(stage, start, left, progress))


def _separable(stage: TierProblem) -> bool:
    """Whether each component holds what is held: repairs, where no component mends less for another to mend more."""
    repairs = all(isinstance(held.objective, Repair) and held.proved for held in stage.held)
    return repairs and (not _limited(stage) or all(held.value == 0 for held in stage.held))


def _limited(stage: TierProblem) -> bool:
    """Whether the policy limits moves or GiB, which components then share."""
    limits = stage.instance.problem.policy.limits
    return limits.maximum_moves is not None or limits.maximum_gib is not None


def _with_bound_of(apart: TierAnswer, whole: TierAnswer) -> TierAnswer:
    """The answer for the *whole*, with the better of both bounds: components that share no limit are a relaxation."""
    better = apart if apart.bound > whole.bound else whole
    return replace(
        whole,
        bound=min(whole.value, better.bound),
        bound_by=better.bound_by,
        bound_holds=True,
        deterministic=whole.deterministic + apart.deterministic,
        on_time=whole.on_time and apart.on_time,
    )


class _Apart:
    """One improvement of all components, the smallest first: what it leaves of its share is for the others."""

    def __init__(self, stage: TierProblem, start: Ints, found: Sequence[Component], progress: Progress) -> None:
        self._stage, self._found, self._progress = stage, found, progress
        self._at, self._bound = start.copy(), Fraction(0)
        self._stages = [self._of(component) for component in found]
        self._values = [self._value(number) for number in range(len(found))]

    def improved(self, effort: Effort) -> TierAnswer:
        """All components, one after another."""
        until, work, on_time, words = time.monotonic() + effort.seconds, effort.deterministic, True, ""
        sizes = [int(stage.instance.legal.sum()) for stage in self._stages]
        for number in range(len(self._found)):
            part = sizes[number] / sum(sizes[number:])
            seconds = max(0.1, (until - time.monotonic()) * part)
            done = self._improve(number, replace(effort, deterministic=max(0.05, work * part), seconds=seconds))
            work -= done.deterministic
            on_time, words = on_time and done.on_time, done.bound_by
        model, goal = self._stage.model(self._stage.at(self._at))
        value = model.value(goal, self._at)
        return TierAnswer(
            at=self._at,
            goal=goal,
            value=value,
            bound=min(value, goal.number(self._bound)),
            deterministic=effort.deterministic - work,
            on_time=on_time,
            bound_holds=True,
            bound_by=f"{len(self._found)} components by themselves, the largest by {words}",
        )

    def _improve(self, number: int, effort: Effort) -> TierAnswer:
        """One component, its answer and its bound put with the others'."""
        units, hosts = self._found[number].units, self._found[number].hosts
        known, others = float(self._bound), sum(self._values) - self._values[number]
        done = improve_by_parts(
            self._stages[number],
            self._start(number),
            effort,
            lambda value, bound: self._progress(others + value, known + bound),
        )
        self._at[units] = hosts[done.at]
        self._values[number] = self._value(number)
        self._bound += done.bound * done.goal.worth
        return done

    def _of(self, component: Component) -> TierProblem:
        """The stage of one component, which holds what it has reached."""
        stage = self._stage
        alone = replace(
            stage, instance=component.of(stage.instance), forbidden=component.pairs(stage.forbidden), held=()
        )
        start = np.searchsorted(component.hosts, self._at[component.units])
        held = tuple(replace(each, value=_reached(alone, each, start)) for each in stage.held)
        return replace(alone, held=held)

    def _start(self, number: int) -> Ints:
        """Where the units of a component are, by its own numbers."""
        component = self._found[number]
        return np.searchsorted(component.hosts, self._at[component.units])

    def _value(self, number: int) -> float:
        """What a component is worth where its units are."""
        stage, at = self._stages[number], self._start(number)
        model, goal = stage.model(stage.at(at))
        return float(model.value(goal, at) * goal.worth)


def _reached(stage: TierProblem, held: HeldTier, at: Ints) -> int:
    """The number of a held objective's goal where the units are *at*."""
    own = replace(stage, objective=held.objective)
    model, goal = own.model(own.at(at))
    return model.value(goal, at)
