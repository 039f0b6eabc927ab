"""Overload: shifts, then parts of the pool solved anew and again, while a model of the whole raises the bound."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from rebalancer.objectives import Balance, Overload
from rebalancer.solve.instance.evaluate import load_of, overload_limits
from rebalancer.solve.instance.instance import Bools, Ints
from rebalancer.solve.model.cp_sat import Effort, SolverAnswer, search
from rebalancer.solve.model.objective_terms import Goal
from rebalancer.solve.model.placement_model import PlacementModel
from rebalancer.solve.model.tier import Progress, TierAnswer, TierProblem
from rebalancer.solve.model.variables import Scope
from rebalancer.solve.search.local_search import shifted
from rebalancer.solve.search.neighbourhood import Neighbourhoods
from rebalancer.solve.search.relaxation_bound import Bounder

PART_WORK, HOT_WORK, LONG_WORK = 0.1, 0.05, 0.25
"""Deterministic seconds for one part of the pool; as long as overload is left, which many quick answers remove sooner;
and where VMs peak, whose rows are many, or where some have to find another place, without which all starts anew."""

NOISE = 0.3
"""How much the shifts of another descent differ: the deviation of the logarithm of their scores."""

STALLED = 60
"""Parts in a row that bring nothing, before the search starts anew and crosses what it finds with the best."""

HEAD_START = 0.3
"""Share of the work after which an answer that is close enough is taken, and large relaxations are begun."""

PATIENCE = 2.0
LEAST_PATIENCE = 1.0
"""How much more work than the relaxation parts may take to come to its answer themselves, and what they have anyway."""

NEAR = 0.85
"""Share of its limit from which a host is watched in a slot by parts."""

CHOOSING_WORK = 0.02
READING_WORK, ROWS_WORK = 3e-6, 2.4e-5
"""What choosing a part counts as, and reading each term and row of its model: CP-SAT counts only its search.

So one of work is about a second of CPU time; parts of robust problems have many short rows.
"""


def is_about_load(stage: TierProblem) -> bool:
    """Whether *stage* is about overload: then shifts and parts find what the whole model takes long for."""
    return isinstance(stage.objective, Balance | Overload)


def improve_by_parts(stage: TierProblem, start: Ints, effort: Effort, progress: Progress) -> TierAnswer:
    """The best placement found within *effort*, never worse than *start*, and the bound of a relaxation."""
    limits = overload_limits(stage.instance)
    goal = stage.model(stage.at(start))[1]
    bounder = Bounder(stage, goal, limits, effort)
    try:
        return _Improving(stage, goal, limits, effort=effort, progress=progress, bounder=bounder).improved(start)
    finally:
        bounder.stop()


class _Improving:
    """One improvement; keeps the best placement itself."""

    def __init__(
        self, stage: TierProblem, goal: Goal, limits: Ints, *, effort: Effort, progress: Progress, bounder: Bounder
    ) -> None:
        self._stage, self._goal, self._limits = stage, goal, limits
        self._effort, self._progress, self._bounder = effort, progress, bounder
        self._random = np.random.default_rng(effort.seed)
        self._until = time.monotonic() + effort.seconds
        self._work = effort.deterministic
        near = load_of(stage.instance, stage.instance.home) > NEAR * limits[:, None]
        # What an earlier tier has reached is held everywhere, not only where it was hot.
        self._watched = near | any(isinstance(held.objective, Balance | Overload) for held in stage.held)
        self._best, self._lowest, self._found = stage.instance.home, 2**62, 0.0
        self._highest = 0

    def improved(self, start: Ints) -> TierAnswer:
        """Descend, and descend again from other shifts, until the bound is met or the effort is spent."""
        self._note(start, self._value(start))
        self._go_on(start)
        while not self._over():
            best, other = self._best, self._descend(start, noise=NOISE)
            self._parts(self._crossed(best, other))
        return self._with_bound()

    def _go_on(self, start: Ints) -> None:
        """Parts from where an earlier search came to, what is forbidden now mended; a descent where there is none."""
        near = None if self._stage.near is None else self._mended(self._stage.near)
        if near is None:
            self._descend(start, noise=0.0)
        else:
            self._near = Neighbourhoods(self._stage.instance, self._limits, self._random)
            self._parts(self._better(start, near))

    def _mended(self, near: Ints) -> Ints | None:
        """*near* with those elsewhere whose moves are forbidden together; None where that is not enough."""
        free = np.zeros_like(self._stage.instance.legal)
        for pairs in self._stage.forbidden:
            units = [unit for unit, host in pairs if near[unit] == host]
            if len(units) == len(pairs):
                free[units] = self._stage.instance.legal[units]
        model, goal = self._stage.model(Scope(free=free, at=near))
        return self._search(model, goal, LONG_WORK).at

    def _descend(self, start: Ints, *, noise: float) -> Ints:
        """Shifts from *start*, then parts until nothing is gained."""
        self._near = Neighbourhoods(self._stage.instance, self._limits, self._random)
        at = shifted(self._stage, start, self._limits, noise, self._random)
        return self._parts(self._better(start, at))

    def _parts(self, at: Ints) -> Ints:
        """Solve parts anew until too many in a row bring nothing; what is as good is taken as well, for a change."""
        value, fruitless = self._value(at), 0
        while fruitless < STALLED and not self._over():
            answer = self._solve(self._near.choose(at), at)
            self._near.learn(proved=answer.proved)
            reached = value if answer.at is None else self._value(answer.at)
            fruitless = 0 if reached < value else fruitless + 1
            if answer.at is not None and reached <= value:
                at, value = answer.at, reached
            self._note(at, value)
        return at

    def _crossed(self, one: Ints, other: Ints) -> Ints:
        """The best placement that has every unit where one of two has it, or at home."""
        instance, free = self._stage.instance, np.zeros_like(self._stage.instance.legal)
        units = np.flatnonzero(one != other)
        for at in (one, other, instance.home):
            free[units, at[units]] = instance.legal[units, at[units]]
        better = self._better(one, other)
        answer = self._solve(free, better)
        return better if answer.at is None else self._better(better, answer.at)

    def _better(self, one: Ints, other: Ints) -> Ints:
        """The better of two."""
        return other if self._value(other) < self._value(one) else one

    def _over(self) -> bool:
        """Whether the effort is spent, or nothing better is to be found."""
        if self._had_a_chance:
            self._bounder.relax()
        return self._work <= 0 or time.monotonic() >= self._until or self._done()

    def _note(self, at: Ints, value: int) -> None:
        """Keep the first placement of the lowest value; let it be heard, and that the bound has risen."""
        bound = max(self._highest, self._bounder.bound)
        if value < self._lowest:
            self._best, self._lowest, self._found = at, value, self._spent
        elif bound == self._highest:
            return
        self._highest = bound
        worth = float(self._goal.worth)
        self._progress(self._lowest * worth, min(self._lowest, bound) * worth)

    @property
    def _spent(self) -> float:
        """Work done."""
        return self._effort.deterministic - max(0.0, self._work)

    def _done(self) -> bool:
        """Whether nothing better exists, or nothing that is worth the search."""
        if self._bounder.answer is not None and self._spent >= self._patience:
            return True
        return self._close_enough or self._lowest - self._bounder.bound <= self._effort.gap * abs(self._lowest)

    @property
    def _close_enough(self) -> bool:
        """Whether parts had their chance, and what is left to be gained does not matter; no matter of the clock."""
        gap = self._lowest - self._bounder.first
        return self._had_a_chance and float(gap * self._goal.worth) <= self._effort.gap_pcpu_hours

    @property
    def _had_a_chance(self) -> bool:
        """Whether parts have used as much work as they have for themselves."""
        return self._spent > HEAD_START * self._effort.deterministic

    @property
    def _patience(self) -> float:
        """Work in which parts may find the answer of a solved relaxation themselves.

        Up to then theirs counts, whichever came first by the clock, so that the same input gives the same answer.
        """
        return LEAST_PATIENCE + PATIENCE * self._bounder.spent

    def _solve(self, free: Bools, at: Ints) -> SolverAnswer:
        """One part of the pool, solved anew from where it is: a relaxation, whose answer may be worse than it says."""
        model, goal = self._stage.model(Scope(free=free, at=at, watched=self._watched))
        model.hint(at)
        model.hold(goal, model.value(goal, at))
        answer = self._search(model, goal, self._part_work(at))
        if answer.at is not None:
            self._watched |= self._hot(answer.at)
        return answer

    def _part_work(self, at: Ints) -> float:
        """What a part may cost where the units are *at*."""
        if self._stage.instance.deviations.budget:
            return LONG_WORK
        return HOT_WORK if self._hot(at).any() else PART_WORK

    def _hot(self, at: Ints) -> Bools:
        """Hosts and slots that are overloaded where the units are *at*."""
        hot: Bools = load_of(self._stage.instance, at) > self._limits[:, None]
        return hot

    def _search(self, model: PlacementModel, goal: Goal, work: float) -> SolverAnswer:
        """One call of CP-SAT, its work counted."""
        effort = Effort(
            deterministic=work,
            seconds=max(0.05, self._until - time.monotonic()),
            seed=int(self._random.integers(2**31)),
            presolve=False,
            prove=False,
            cuts=bool(self._stage.instance.deviations.budget),
        )
        answer = search(model, goal, effort)
        if answer.at is not None and not self._stage.outlives(answer.at):
            answer = replace(answer, at=None)
        self._work -= answer.deterministic + CHOOSING_WORK + READING_WORK * model.terms + ROWS_WORK * model.rows
        return answer

    def _value(self, at: Ints) -> int:
        """The goal's number where the units are *at*."""
        model, goal = self._stage.model(self._stage.at(at))
        return model.value(goal, at)

    def _with_bound(self) -> TierAnswer:
        """The answer, once the bound is as high as it gets."""
        on_time = self._work <= 0 or self._done()
        if not self._done():
            self._bounder.wait()
            on_time = on_time and self._bounder.on_time
        if self._bounder.answer is not None and self._stage.outlives(self._bounder.answer):
            self._compare(self._bounder.answer)
        return TierAnswer(
            at=self._best,
            goal=self._goal,
            value=self._lowest,
            bound=min(self._lowest, max(0, self._bounder.bound)),
            deterministic=self._spent,
            on_time=on_time and not self._effort.gap,
            bound_by=self._bounder.words,
            bound_holds=True,
        )

    def _compare(self, answer: Ints | None) -> None:
        """Take the answer of the solved relaxation where parts found none as good while their word counted."""
        if answer is None:
            return
        value = self._value(answer)
        if value < self._lowest or (value == self._lowest and self._found > self._patience):
            self._best, self._lowest = answer, value
