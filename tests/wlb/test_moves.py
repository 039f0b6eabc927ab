"""Moves that are told at one time are legal in any order and all together."""

from __future__ import annotations

from dataclasses import replace

import pytest

import rebalancer as rb
from rebalancer.problem import pool_at
from rebalancer.wlb.moves import evacuation, number_of, optimisation, told
from rebalancer.wlb.view import View
from tests.wlb.order import assert_any_order, migrations
from tests.wlb.views import view_of

SEEDS = range(6)


@pytest.mark.parametrize("seed", SEEDS)
def test_evacuations_are_legal_in_any_order(seed: int) -> None:
    """Every host of a pool that is rather full; nobody goes to the host that is emptied."""
    view = view_of(seed, fill=0.7)
    count = 0
    for host in view.problem.pool.hosts:
        moves = evacuation(view, host)
        assert all(move.source == host != move.target for move in moves)
        assert len({move.vm for move in moves}) == len(moves)
        assert_any_order(view.emptying, moves)
        count += len(moves)
    assert count


@pytest.mark.parametrize("seed", SEEDS)
def test_who_is_left_out_has_nowhere_to_go(seed: int) -> None:
    """With all others on their way, every host refuses a VM that is left out, or its group would be torn apart."""
    view = view_of(seed, fill=0.8).emptying
    together = {vm for group in view.groups for vm in group}
    for host in view.problem.pool.hosts:
        moves = migrations(evacuation(view, host))
        ledger = view.new_ledger()
        for move in moves:
            ledger.join(move.vm, move.target)
        leaving = {vm for vm, where in view.problem.initial.host_of.items() if where == host}
        for vm in leaving - {move.vm for move in moves} - together:
            guest = view.problem.pool.vms[vm]
            others = (each for each in view.problem.pool.hosts.values() if each.uuid != host)
            assert all(view.book.live.objections_with(ledger, guest, each) for each in others)


@pytest.fixture(scope="module")
def planned() -> tuple[View, rb.Proposal]:
    """A pool, and its plan."""
    view = view_of(0)
    return view, rb.rebalance(view.model, seconds=0.5, made_at=view.seen_at)


def test_a_plan_is_told_as_far_as_its_order_does_not_matter(planned: tuple[View, rb.Proposal]) -> None:
    """Steps keep their numbers, and are legal in any order."""
    view, plan = planned
    moves = optimisation(view, plan)
    assert moves
    assert all(
        (move.vm, move.target, move.reason) == (step.vm, step.target, told(step.why))
        for move in moves
        for step in [plan.steps[move.number - 1]]
    )
    assert_any_order(view, moves)
    assert 0 <= number_of(plan) < 2**28


def test_reasons_are_words_of_the_console() -> None:
    """XenCenter knows a word for load and one for density; what it has no word for stays a sentence."""
    assert told("relieves h1 of 35%: 149% -> 114% of its CPU") == told("levels the load of h1 and h2") == "Cpu"
    assert told("leaves h1 empty") == "Consolidate"
    assert told("separates it from web-1") == "separates it from web-1"


def test_steps_that_are_done_are_not_told(planned: tuple[View, rb.Proposal]) -> None:
    """A VM that is elsewhere by now is left out."""
    view, plan = planned
    first = optimisation(view, plan)[0]
    pool = pool_at(view.model.state.pool, view.problem.initial.after(*migrations([first])))
    moved = View(model=rb.Model(replace(view.model.state, pool=pool), view.model.policy), seen_at=view.seen_at)
    assert first.vm not in {move.vm for move in optimisation(moved, plan)}
