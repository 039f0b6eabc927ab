"""Tiers as they are told once all are done."""

from __future__ import annotations

import pytest

from rebalancer.objectives import Balance, Repair
from rebalancer.rules import Rulebook
from rebalancer.solve import solve
from rebalancer.solve.instance.instance import Ints
from rebalancer.solve.model.cp_sat import Effort
from rebalancer.solve.model.tier import Progress, TierAnswer, TierProblem
from rebalancer.solve.search import tiers
from tests.solve.tiny import random_problem

SEEDS = range(40)


def test_tiers_are_told_as_they_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where repairs were given up too early, balance may mend more: what is told of both is what the end has."""

    def nothing_found(tier: TierProblem, start: Ints, effort: Effort, progress: Progress) -> TierAnswer:
        del effort, progress
        goal, value = tier.evaluate(start)
        return TierAnswer(at=start, goal=goal, value=value, bound=0)

    monkeypatch.setattr(tiers, "improve_repair", nothing_found)
    bettered = 0
    for problem in map(random_problem, SEEDS):
        book = Rulebook.of(problem)
        solution = solve(book)
        told = {tier.objective: tier for tier in solution.tiers}
        for objective in (Repair(), Balance()):
            assert told[objective.id].after == pytest.approx(objective.value(solution.placement, book))
            assert told[objective.id].bound <= told[objective.id].after
        bettered += told["repair"].after < told["repair"].before
    assert bettered
