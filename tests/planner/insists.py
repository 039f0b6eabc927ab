"""A solver that wants one placement, whatever it hears."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.objectives import OBJECTIVES
from rebalancer.placement import Migration, Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.solve import Budget, Outcome, Solution, SolveReporter
from tests.plan.made import proved


class Insists:
    """Wants *goal* until some of its moves are forbidden, and then nothing; or always, unless it *yields*."""

    def __init__(
        self, problem: Problem, goal: Placement, *, yields: bool = False, objectives: Sequence[str] = ()
    ) -> None:
        self.problem, self.goal, self.yields = problem, goal, yields
        self.objectives = [each for each in OBJECTIVES if each.id in objectives]
        self.asked: list[tuple[frozenset[Migration], ...]] = []

    def __call__(
        self,
        book: Rulebook,
        *,
        forbidden: tuple[frozenset[Migration], ...],
        near: Placement | None,
        reporter: SolveReporter,
        budget: Budget,
    ) -> Solution:
        """The placement, with its objectives and the bounds that it meets, or nothing."""
        del book, reporter, budget
        assert (near is None) == (not forbidden), "what has no order is where the search goes on"
        self.asked.append(forbidden)
        wanted = self.problem.initial if forbidden and self.yields else self.goal
        tiers = tuple(proved(each, self.problem, wanted) for each in self.objectives)
        return Solution(placement=wanted, tiers=tiers, outcome=Outcome.IMPROVED, reason="because")
