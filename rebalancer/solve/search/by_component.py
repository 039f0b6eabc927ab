"""Components of a pool improved one by one: what shares nothing is searched and bounded by itself, then summed up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from rebalancer.objectives import Repair
from rebalancer.solve.instance.instance import Ints
from rebalancer.solve.model.effort import Effort
from rebalancer.solve.model.tier import Progress, TierAnswer, TierProblem, held_at
from rebalancer.solve.search.components import Component, components
from rebalancer.solve.search.lns import improve_by_lns

SHARE_WHERE_LIMITED = 0.5
"""Part of the effort for components where moves are limited: if they use too many, the rest is for the whole pool."""


def improve_by_component(tier: TierProblem, start: Ints, effort: Effort, progress: Progress) -> TierAnswer:
    """The best placement found within *effort*: components apart, where there are several."""
    found = components(tier.instance, tier.forbidden)
    if len(found) == 1 or not _separable(tier):
        return improve_by_lns(tier, start, effort, progress)
    first = effort.part(SHARE_WHERE_LIMITED) if tier.capped else effort
    answer = _ByComponent(tier, start, found, progress).run(first)
    if answer.at is not None and tier.allows(answer.at):
        return answer
    left = effort.of(effort.deterministic - answer.deterministic)
    return _with_bound_of(answer, improve_by_lns(tier, start, left, progress))


def _separable(tier: TierProblem) -> bool:
    """Whether each component holds earlier tiers by itself: proved repairs, none left where a limit is shared."""
    repairs = all(isinstance(held.objective, Repair) and held.proved for held in tier.held)
    return repairs and (not tier.capped or all(held.value == 0 for held in tier.held))


def _with_bound_of(separate: TierAnswer, whole: TierAnswer) -> TierAnswer:
    """The answer for the *whole*, with the better of both bounds: components that share no limit are a relaxation."""
    better = separate if separate.bound > whole.bound else whole
    return replace(
        whole,
        bound=min(whole.value, better.bound),
        bound_by=better.bound_by,
        bound_holds=True,
        deterministic=whole.deterministic + separate.deterministic,
        on_time=whole.on_time and separate.on_time,
    )


class _ByComponent:
    """All components optimised, the smallest first; what one leaves of its share of the work goes to the others."""

    def __init__(self, tier: TierProblem, start: Ints, found: Sequence[Component], progress: Progress) -> None:
        self._tier, self._found, self._progress = tier, found, progress
        self._at, self._bound = start.copy(), Fraction(0)
        self._tiers = [self._of(component) for component in found]
        self._values = [self._value(number) for number in range(len(found))]

    def run(self, effort: Effort) -> TierAnswer:
        work, on_time, enough, words = effort.deterministic, True, True, ""
        sizes = [int(tier.instance.legal.sum()) for tier in self._tiers]
        for number in range(len(self._found)):
            part = sizes[number] / sum(sizes[number:])
            answer = self._improve(number, effort.of(work * part))
            work -= answer.deterministic
            on_time, enough = on_time and answer.on_time, enough and answer.enough
            words = answer.bound_by
        goal, value = self._tier.evaluate(self._at)
        return TierAnswer(
            at=self._at,
            goal=goal,
            value=value,
            bound=min(value, goal.number(self._bound)),
            deterministic=effort.deterministic - work,
            on_time=on_time,
            enough=enough,
            bound_holds=True,
            bound_by=f"{len(self._found)} components by themselves, the largest by {words}",
        )

    def _improve(self, number: int, effort: Effort) -> TierAnswer:
        units, hosts = self._found[number].units, self._found[number].hosts
        known, others = float(self._bound), sum(self._values) - self._values[number]
        answer = improve_by_lns(
            self._tiers[number],
            self._start(self._found[number]),
            effort,
            lambda value, bound: self._progress(others + value, known + bound),
        )
        self._at[units] = hosts[answer.at]
        self._values[number] = self._value(number)
        self._bound += answer.bound * answer.goal.worth
        return answer

    def _of(self, component: Component) -> TierProblem:
        tier = self._tier
        instance, forbidden = component.restricted(tier.instance), component.pairs(tier.forbidden)
        alone = replace(tier, instance=instance, forbidden=forbidden, held=())
        start = self._start(component)
        held = (replace(each, value=held_at(instance, each.objective, start).value) for each in tier.held)
        return replace(alone, held=tuple(held))

    def _start(self, component: Component) -> Ints:
        return np.searchsorted(component.hosts, self._at[component.units])

    def _value(self, number: int) -> float:
        goal, value = self._tiers[number].evaluate(self._start(self._found[number]))
        return float(value * goal.worth)
