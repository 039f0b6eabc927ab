"""Evacuations that are solved in the background, and what answers make of them later."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

import rebalancer as rb
from rebalancer.problem import pool_at
from rebalancer.wlb.evacuating import OLD, Evacuations, solved
from rebalancer.wlb.moves import evacuation
from rebalancer.wlb.view import View
from tests.plan.made import pool_with
from tests.wlb.order import assert_any_order, migrations
from tests.wlb.views import NOW, view_of, with_pool

SIZES = {"a": 16.0, "b": 16.0, "c": 12.0, "d": 12.0, "e": 12.0, "f": 12.0}
"""Two hosts of 41 GiB hold them all, but not the largest first."""


@pytest.fixture
def tight() -> View:
    """A host whose guests fit on two others in few ways."""
    pool = pool_with({"h1": 100, "h2": 41, "h3": 41}, {vm: ("h1", gib) for vm, gib in SIZES.items()})
    policy = rb.Policy.model_validate({"limits": {"solve_seconds": 2, "sanity_share": 1.0}})
    state = rb.PoolState(pool=pool, demand=None, source="made up", taken_at=NOW)
    return View(model=rb.Model(state, policy), seen_at=NOW)


def solution(view: View, host: str) -> dict[str, str]:
    """Where the solver sends the guests of a host."""
    return dict(solved(view.model.state, view.model.policy, [host], NOW, 60.0)[host])


def test_the_solver_places_whom_packing_leaves_out(tight: View) -> None:
    """One after another leaves somebody out; the solver finds a host for each, in any order and all at once."""
    assert len(evacuation(tight, "h1")) < len(SIZES)
    moves = evacuation(tight, "h1", solution(tight, "h1"))
    assert {move.vm for move in moves} == SIZES.keys()
    assert_any_order(tight, moves)


@pytest.mark.parametrize("seed", range(4))
def test_solved_evacuations_are_legal_in_any_order(seed: int) -> None:
    """In pools with groups, pinned guests and load; where all can leave, all do."""
    view, complete = view_of(seed, fill=0.6, pinned=0.0), 0
    for host in view.problem.pool.hosts:
        targets = solution(view, host)
        moves = evacuation(view, host, targets)
        assert_any_order(view.emptying, moves)
        leaving = {vm for vm, where in view.problem.initial.host_of.items() if where == host}
        assert targets.keys() in ({*()}, leaving)
        assert len(moves) >= len(evacuation(view, host))
        if targets:
            assert {move.vm for move in moves} == leaving
            complete += 1
    assert complete


def test_nothing_is_solved_where_somebody_cannot_leave(tight: View) -> None:
    """XAPI would not begin; packing says who can."""
    pool = tight.problem.pool
    fat = replace(
        pool.vms["a"], memory=replace(pool.vms["a"].memory, static_max_bytes=1 << 38, dynamic_max_bytes=1 << 38)
    )
    assert solution(with_pool(tight, replace(pool, vms={**pool.vms, "a": fat})), "h1") == {}


def test_time_ends(tight: View) -> None:
    """Hosts for which there is no time are left for later."""
    assert solved(tight.model.state, tight.model.policy, ["h1"], NOW, 0.0) == {}


def test_a_solution_is_kept_to_as_far_as_it_still_holds(tight: View) -> None:
    """A guest that left is not moved, one whose host is full by now goes elsewhere or nowhere, and all stays legal."""
    targets = solution(tight, "h1")
    (first,) = migrations([move for move in evacuation(tight, "h1", targets) if move.vm == "a"])
    later = with_pool(tight, pool_at(tight.problem.pool, tight.problem.initial.after(first)))
    moves = evacuation(later, "h1", targets)
    assert {move.vm for move in moves} == SIZES.keys() - {"a"}
    assert_any_order(later, moves)
    wrong = {**dict.fromkeys(SIZES, "h2"), "b": "gone", "c": "h1"}
    assert_any_order(tight, evacuation(tight, "h1", wrong))


def test_hosts_are_solved_once_until_something_changes(tight: View) -> None:
    """Hosts with other guests, or that were solved long ago, are solved anew; those that somebody waits for first."""
    kept = Evacuations()
    assert kept.wanting(tight, NOW) == ["h1"]
    kept.keep({"h1": solution(tight, "h1")}, tight, NOW)
    assert kept.wanting(tight, NOW) == []
    assert "of 1 host with VMs, evacuations of 1 are" in kept.standing(tight)
    assert kept.wanting(tight, NOW + OLD) == ["h1"]
    (first,) = migrations(evacuation(tight, "h1", kept.targets("h1"))[:1])
    later = with_pool(tight, pool_at(tight.problem.pool, tight.problem.initial.after(first)))
    assert set(kept.wanting(later, NOW + timedelta(minutes=1))) == {"h1", first.target}
    kept.hurry(first.target)
    assert kept.wanting(later, NOW)[0] == first.target


def test_who_is_left_alone_but_for_maintenance_leaves() -> None:
    """The policy keeps balancing off it, not an evacuation."""
    before = view_of(0, fill=0.5, pinned=0.0)
    vm, host = next(iter(before.problem.initial.host_of.items()))
    policy = before.model.policy.model_copy(update={"leave_alone": (vm,)})
    view = View(model=rb.Model(before.model.state, policy), seen_at=NOW)
    assert vm in view.problem.intent.never_move
    assert vm in {move.vm for move in evacuation(view, host)}
    assert before.emptying is not view.emptying
