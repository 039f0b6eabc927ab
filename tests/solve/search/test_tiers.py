"""Tiers as they are told once all are done."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import Any

import pytest

from rebalancer.objectives import Balance, MigrationCost, Repair
from rebalancer.rules import Rulebook
from rebalancer.solve import solve
from rebalancer.solve.instance.instance import Ints, instance_of
from rebalancer.solve.model.cp_sat import SolverAnswer, Status
from rebalancer.solve.model.effort import Effort
from rebalancer.solve.model.objective_terms import Goal
from rebalancer.solve.model.placement_model import PlacementModel
from rebalancer.solve.model.tier import Progress, TierAnswer, TierProblem, at_of
from rebalancer.solve.model.variables import Scope
from rebalancer.solve.search import repair, tiers
from rebalancer.solve.search.full_model import search_lazily
from tests.solve.tiny import random_problem

SEEDS = range(40)


def test_tiers_are_told_as_they_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where repairs were given up too early, balance may mend more: what is told of both is what the end has."""
    monkeypatch.setattr(tiers, "improve_repair", as_it_was)
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


def test_repairs_that_the_search_for_fewer_gib_betters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where too few were found in time, more may be found on the way to fewer GiB: they count as they are."""
    bettered = 0
    for problem in map(random_problem, SEEDS):
        book = Rulebook.of(problem)
        instance = instance_of(book)
        best = at_of(instance, solve(book).placement)
        tier = TierProblem(instance=instance, objective=Repair())
        with monkeypatch.context() as patched:
            patched.setattr(repair, "search_lazily", partial(in_vain_but_for_gib, found=best))
            patched.setattr(repair, "improve_full_model", as_it_was)
            answer = repair.improve_repair(tier, instance.home, Effort(deterministic=1, seed=1), print)
        if answer.at is best:
            assert answer.value == tier.evaluate(best)[1]
            assert answer.bound <= answer.value
            bettered += answer.value < tier.evaluate(instance.home)[1]
    assert bettered


def test_the_clock_is_named_where_what_it_cut_was_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    """All is mended that can be, and the search for fewer GiB was cut short: another run may find another answer."""
    monkeypatch.setattr(tiers, "improve_repair", cut_by_the_clock)
    solutions = [solve(Rulebook.of(problem)) for problem in map(random_problem, SEEDS)]
    broken = [each for each in solutions if each.tiers[0].before > 0]
    assert {(each.reproducible, each.cut_in, each.tiers[0].proved) for each in broken} == {(False, "repair", True)}


def test_repairs_alone_tell_that_balancing_was_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where balancing gains too little because the clock ended it, the cheaper repairs are its doing, too."""
    ladders: list[tiers.Ladder] = []

    def first_is_cut(*args: Any, **kwargs: Any) -> tiers.Ladder:  # noqa: ANN401 - handed on
        ladders.append(tiers.solve_tiers(*args, **kwargs))
        return ladders[-1] if ladders[1:] else replace(ladders[-1], reproducible=False, cut_in="balance")

    monkeypatch.setattr(import_module("rebalancer.solve.solve"), "solve_tiers", first_is_cut)
    again = 0
    for problem in map(random_problem, SEEDS):
        ladders.clear()
        limits = problem.policy.limits.model_copy(update={"minimum_gain_pcpu_hours": 1000.0})
        policy = problem.policy.model_copy(update={"limits": limits})
        solution = solve(Rulebook.of(replace(problem, policy=policy)))
        assert (solution.reproducible, solution.cut_in) == (False, "balance")
        again += len(ladders) > 1
    assert again


def cut_by_the_clock(tier: TierProblem, start: Ints, effort: Effort, progress: Progress) -> TierAnswer:
    """What is found and proved, but not on time."""
    return replace(repair.improve_repair(tier, start, effort, progress), on_time=False)


def in_vain_but_for_gib(
    tier: TierProblem, scope: Scope, start: Ints | None, effort: Effort, *, found: Ints
) -> tuple[PlacementModel, Goal, SolverAnswer]:
    """A search that finds nothing but *found*, when it looks for fewer GiB."""
    model, goal, answer = search_lazily(tier, scope, start, effort)
    if isinstance(tier.objective, MigrationCost):
        return model, goal, replace(answer, at=found)
    return model, goal, replace(answer, at=None, status=Status.NOTHING_FOUND)


def as_it_was(tier: TierProblem, start: Ints, effort: Effort, progress: Progress) -> TierAnswer:
    """A search that ends where it began."""
    del effort, progress
    goal, value = tier.evaluate(start)
    return TierAnswer(at=start, goal=goal, value=value, bound=0)
