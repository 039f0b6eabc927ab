"""Large neighbourhood search for overload: local search, then neighbourhoods re-solved, while a relaxation bounds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rebalancer.objectives import Balance, LoadCost
from rebalancer.solve.instance.evaluate import load_of, overload_limits
from rebalancer.solve.instance.instance import Bools, Ints
from rebalancer.solve.model.cp_sat import SolverAnswer, search
from rebalancer.solve.model.effort import NEVER, Deadline, Effort
from rebalancer.solve.model.objective_terms import Goal
from rebalancer.solve.model.placement_model import PlacementModel
from rebalancer.solve.model.tier import Progress, TierAnswer, TierProblem
from rebalancer.solve.model.variables import Scope
from rebalancer.solve.search.descent import relieved
from rebalancer.solve.search.neighbourhood import Neighbourhoods
from rebalancer.solve.search.relaxation_bound import RelaxationBound

NEIGHBOURHOOD_WORK, HOT_WORK, LONG_WORK = 0.1, 0.05, 0.25
"""Deterministic seconds for one neighbourhood: usually; as long as overload is left, which many quick answers remove
sooner; and where VMs peak, with many rows, or where forbidden moves are repaired, without which all starts over."""

NOISE = 0.3
"""The standard deviation of the logarithm of scores by which further runs of the local search differ."""

LEAST_SHIFTING = 0.1
"""Work for shifts, which bring most of what there is to gain, also where little work is left."""

STALLED = 60
"""Neighbourhoods in a row without improvement before the search restarts and relinks what it finds with the best."""

TIRED, NEGLIGIBLE_SHARE = 20, 0.005
"""Neighbourhoods in a row that improve nothing before an answer is taken that is close enough, to this share of it."""

HEAD_START = 0.3
"""Share of the work after which an answer that is close enough is taken, and large relaxations are begun."""

PATIENCE = 2.0
LEAST_PATIENCE = 1.0
"""How much more work than the relaxation neighbourhoods may take to find its answer themselves, and their least."""

NEAR = 0.85
"""Share of its limit from which neighbourhoods watch a host in a slot."""

RECEIVING_WORK, RECEIVING_SHARE = 1.0, 0.2
"""Work for where those go whom every host sheds by itself, and how much of all work it may be."""

CHOOSING_WORK = 0.02
"""The work of choosing a neighbourhood, and of judging what came of it."""


def is_about_load(tier: TierProblem) -> bool:
    """Whether *tier* is about overload: local search and neighbourhoods find what the full model takes long for."""
    return isinstance(tier.objective, Balance | LoadCost)


def improve_by_lns(tier: TierProblem, start: Ints, effort: Effort, progress: Progress) -> TierAnswer:
    """The best placement found within *effort*, never worse than *start*, and the bound of a relaxation."""
    running = _LargeNeighbourhoodSearch(tier, start, effort, progress)
    try:
        return running.run(start)
    finally:
        running.relaxation.stop()


class _LargeNeighbourhoodSearch:
    def __init__(self, tier: TierProblem, start: Ints, effort: Effort, progress: Progress) -> None:
        self._tier, self._effort, self._progress = tier, effort, progress
        self._limits = overload_limits(tier.instance)
        self._goal = tier.evaluate(start)[0]
        self.relaxation = RelaxationBound(tier, self._goal, self._limits, effort)
        self._random = np.random.default_rng(effort.seed)
        self._work = effort.deterministic - self.relaxation.first_work
        near = load_of(tier.instance, tier.instance.home) > NEAR * self._limits
        # What an earlier tier has reached is held everywhere, not only where it was hot.
        self._watched = near | tier.holds_load
        self._best, self._lowest, self._found = tier.instance.home, 2**62, 0.0
        self._highest = self._fruitless = 0
        self._on_time = True

    def run(self, start: Ints) -> TierAnswer:
        self._keep(start, self._value(start))
        self._first_descent(start)
        while not self._ended():
            best, other = self._best, self._descend(start, noise=NOISE)
            self._improve(self._relinked(best, other))
        return self._with_bound()

    def _first_descent(self, start: Ints) -> None:
        """Improve the answer of an earlier search, repaired where its moves are forbidden; descend where that fails."""
        near = None if self._tier.near is None else self._repaired(self._tier.near)
        if near is None:
            near = self._better(self._shifted(start, noise=0.0), self._shifted(self._received(start), noise=0.0))
        self._neighbourhoods = Neighbourhoods(self._tier.instance, self._limits, self._random)
        self._improve(self._better(start, near))

    def _received(self, start: Ints) -> Ints:
        """Those who left in *start*, and whom hosts shed by themselves at best, where there is most room for them.

        Where receivers have room this is nearly the best; where not, a start. Everybody else is at home. It is *start*
        where the first bound took all the work.
        """
        if self._work <= 0:
            return start
        instance, free = self._tier.instance, np.zeros_like(self._tier.instance.legal)
        units = np.union1d(np.flatnonzero(start != instance.home), self.relaxation.leavers)
        free[units] = instance.legal[units]
        model, goal = self._tier.model(Scope(free=free, at=instance.home, watched=self._watched))
        model.hint(start)
        answer = self._search(model, goal, min(RECEIVING_WORK, RECEIVING_SHARE * self._work))
        return start if answer.at is None else answer.at

    def _repaired(self, near: Ints) -> Ints | None:
        """*near* with the units of forbidden sets of moves placed anew; None where that is not enough."""
        free = np.zeros_like(self._tier.instance.legal)
        for pairs in self._tier.forbidden:
            units = [unit for unit, host in pairs if near[unit] == host]
            if len(units) == len(pairs):
                free[units] = self._tier.instance.legal[units]
        model, goal = self._tier.model(Scope(free=free, at=near))
        return self._search(model, goal, LONG_WORK, until=NEVER).at

    def _descend(self, start: Ints, *, noise: float) -> Ints:
        """Shifts as far as they lead, then neighbourhoods."""
        self._neighbourhoods = Neighbourhoods(self._tier.instance, self._limits, self._random)
        return self._improve(self._better(start, self._shifted(start, noise=noise)))

    def _shifted(self, start: Ints, *, noise: float) -> Ints:
        """Where shifts lead, which the clock never ends."""
        taste = np.exp(self._random.normal(0.0, noise, self._tier.instance.legal.shape))
        most = max(self._work, LEAST_SHIFTING)
        descent = relieved(self._tier, start, most=most, taste=taste)
        self._work -= descent.work
        return descent.at

    def _improve(self, at: Ints) -> Ints:
        """Re-solve neighbourhoods until too many in a row improve nothing; answers as good are taken, for diversity."""
        value, self._fruitless = self._value(at), 0
        while self._fruitless < STALLED and not self._ended():
            answer = self._resolve(self._neighbourhoods.choose(at), at)
            self._neighbourhoods.learn(proved=answer.proved)
            reached = value if answer.at is None else self._value(answer.at)
            self._fruitless = 0 if reached < value else self._fruitless + 1
            if answer.at is not None and reached <= value:
                at, value = answer.at, reached
            self._keep(at, value)
        return at

    def _relinked(self, one: Ints, other: Ints) -> Ints:
        """The best placement that has every unit where one of two has it, or at home (path relinking)."""
        instance, free = self._tier.instance, np.zeros_like(self._tier.instance.legal)
        units = np.flatnonzero(one != other)
        for at in (one, other, instance.home):
            free[units, at[units]] = instance.legal[units, at[units]]
        better = self._better(one, other)
        answer = self._resolve(free, better)
        return better if answer.at is None else self._better(better, answer.at)

    def _better(self, one: Ints, other: Ints) -> Ints:
        return other if self._value(other) < self._value(one) else one

    def _ended(self) -> bool:
        if self._had_a_chance:
            self.relaxation.relax()
        return self._work <= 0 or self._effort.until.passed or self._done

    def _keep(self, at: Ints, value: int) -> None:
        """Keep the first placement of the lowest value; report it, and a bound that has risen."""
        bound = max(self._highest, self.relaxation.bound)
        if value < self._lowest:
            self._best, self._lowest, self._found = at, value, self._spent
        elif bound == self._highest:
            return
        self._highest = bound
        worth = float(self._goal.worth)
        self._progress(self._lowest * worth, min(self._lowest, bound) * worth)

    @property
    def _spent(self) -> float:
        return self._effort.deterministic - max(0.0, self._work)

    @property
    def _done(self) -> bool:
        """Whether nothing better exists, or nothing that is worth the search."""
        return self._bounded or self._close_enough

    @property
    def _bounded(self) -> bool:
        """Whether the relaxation says that nothing is better, or too little by the policy's gap."""
        if self.relaxation.answer is not None and self._spent >= self._patience:
            return True
        return self._lowest - self.relaxation.bound <= self._effort.gap * abs(self._lowest)

    @property
    def _close_enough(self) -> bool:
        """Whether neighbourhoods had their share, or rarely help, and the gap to the first bound is negligible.

        That it is by the policy's `gap_pcpu_hours`; where these are not 0, half a percent of what is left is, too.
        """
        negligible = self._effort.gap_pcpu_hours
        if negligible:
            negligible = max(negligible, NEGLIGIBLE_SHARE * float(self._lowest * self._goal.worth))
        gap = float((self._lowest - self.relaxation.first) * self._goal.worth)
        return gap <= negligible and (self._had_a_chance or self._fruitless >= TIRED)

    @property
    def _had_a_chance(self) -> bool:
        """Whether neighbourhoods have used the work that is theirs alone."""
        return self._spent > HEAD_START * self._effort.deterministic

    @property
    def _patience(self) -> float:
        """Work in which neighbourhoods may find the answer of a solved relaxation themselves.

        Until then their answer counts, whichever came first by the clock, so that the same input gives the same answer.
        """
        return LEAST_PATIENCE + PATIENCE * self.relaxation.spent

    def _resolve(self, free: Bools, at: Ints) -> SolverAnswer:
        model, goal = self._tier.model(Scope(free=free, at=at, watched=self._watched))
        model.hint(at)
        model.hold(goal, model.value(goal, at))
        short = HOT_WORK if self._hot(at).any() else NEIGHBOURHOOD_WORK
        answer = self._search(model, goal, LONG_WORK if self._tier.instance.deviations.budget else short)
        if answer.at is not None:
            self._watched |= self._hot(answer.at)
        return answer

    def _hot(self, at: Ints) -> Bools:
        hot: Bools = load_of(self._tier.instance, at) > self._limits
        return hot

    def _search(self, model: PlacementModel, goal: Goal, work: float, *, until: Deadline | None = None) -> SolverAnswer:
        seed, cuts = int(self._random.integers(2**31)), bool(self._tier.instance.deviations.budget)
        effort = Effort.quick(work, until=until or self._effort.until, seed=seed, cuts=cuts)
        answer = search(model, goal, effort)
        if answer.at is not None and not self._tier.outlives(answer.at):
            answer = replace(answer, at=None)
        self._work -= answer.deterministic + CHOOSING_WORK
        self._on_time = self._on_time and answer.on_time
        return answer

    def _value(self, at: Ints) -> int:
        return self._tier.evaluate(at)[1]

    def _with_bound(self) -> TierAnswer:
        on_time, enough = self._on_time and (self._work <= 0 or self._done), self._done
        if not enough:
            self.relaxation.wait()
            on_time = on_time and self.relaxation.on_time
        # How far the thread has come by then is a matter of the clock, so only what is proved counts.
        early = enough and not self._bounded
        bound = self.relaxation.first if early else self.relaxation.bound
        answer = self.relaxation.answer
        if answer is not None and self._tier.outlives(answer):
            self._compare(answer)
        return TierAnswer(
            at=self._best,
            goal=self._goal,
            value=self._lowest,
            bound=min(self._lowest, max(0, bound)),
            deterministic=self._spent,
            on_time=on_time and not self._effort.gap,
            enough=enough or self._done,
            bound_by=self.relaxation.first_words if early else self.relaxation.words,
            bound_holds=True,
        )

    def _compare(self, answer: Ints) -> None:
        """Take the answer of the solved relaxation where neighbourhoods found none as good while theirs counted."""
        value = self._value(answer)
        if value < self._lowest or (value == self._lowest and self._found > self._patience):
            self._best, self._lowest = answer, value
