"""Stars follow the planner's own cost, and refusals the rules."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rebalancer as rb
from rebalancer.objectives.load_cost import LoadCost
from rebalancer.placement import Migration
from rebalancer.wlb.covering import covering, covers
from rebalancer.wlb.stars import BEST, CALM, HOT, WORST, NoSuchVM, ratings, refusals, stars_of
from rebalancer.wlb.view import View
from tests.wlb.views import view_of

SEEDS = range(8)


@pytest.mark.parametrize("seed", SEEDS)
def test_stars_are_in_the_order_of_the_objective(seed: int) -> None:
    """Of two hosts, the one with which the whole pool's load cost is lower has more stars, for every guest."""
    view, compared = view_of(seed), 0
    for vm, here in view.problem.initial.host_of.items():
        stars = {each.host: each.stars for each in ratings(view, vm) if each.stars}
        moves = {host: Migration(vm=vm, source=here, target=host) for host in stars if host != here}
        after = {host: view.problem.initial.after(move) for host, move in moves.items()} | {here: view.problem.initial}
        cost = {host: LoadCost().value(after[host], view.book) for host in stars}
        for one, other in permutations(stars, 2):
            if cost[one] < cost[other] - 1e-6:
                assert stars[one] > stars[other]
                compared += 1
    assert compared


@pytest.mark.parametrize("seed", SEEDS)
def test_refusals_are_those_of_the_rules(seed: int) -> None:
    """A host has no stars exactly where a rule objects to the move, or the pool would break one once it is done."""
    view, refused = view_of(seed), 0
    for vm in (view.problem.pool.vms[uuid] for uuid in view.problem.initial):
        against = refusals(view, vm)
        for host in view.live_hosts:
            if host.uuid == vm.resident_on:
                assert host.uuid not in against
                continue
            (answer,) = rb.explain(view.model, vm.uuid, host.uuid)
            goal = view.problem.initial.after(Migration(vm=vm.uuid, source=str(vm.resident_on), target=host.uuid))
            broken = view.book.violations(goal, since=view.problem.initial)
            assert (host.uuid in against) == bool(answer.objections or broken), (vm.name, host.name, broken)
            refused += host.uuid in against
    assert refused


def test_a_guest_that_is_none() -> None:
    """Unknown guests and control domains cannot be placed."""
    view = view_of(0)
    domain = next(vm.uuid for vm in view.problem.pool.vms.values() if vm.is_control_domain)
    for uuid in ("nobody", domain):
        with pytest.raises(NoSuchVM):
            ratings(view, uuid)


def test_without_metrics_memory_counts() -> None:
    """The host with more memory left has more stars."""
    view = view_of(2)
    bare = View(model=rb.Model(replace(view.model.state, demand=None), view.model.policy), seen_at=view.seen_at)
    vm = next(iter(bare.problem.initial))
    stars = [each.stars for each in ratings(bare, vm) if each.stars]
    assert len(set(stars)) > 1
    assert all(WORST <= each <= BEST for each in stars)


def test_a_robust_policy_is_followed() -> None:
    """Where peaks count, the objective itself orders the hosts."""
    view = view_of(3)
    demand = view.model.state.demand
    assert demand is not None
    peaks = replace(demand, vm_deviation_pcpu=demand.vm_pcpu / 2)
    policy = view.model.policy.model_copy(update={"demand": view.model.policy.demand.model_copy(update={"peaking": 2})})
    robust = View(model=rb.Model(replace(view.model.state, demand=peaks), policy), seen_at=view.seen_at)
    vm, here = next(iter(robust.problem.initial.host_of.items()))
    stars = {each.host: each.stars for each in ratings(robust, vm) if each.stars}
    moves = {host: Migration(vm=vm, source=here, target=host) for host in stars if host != here}
    cost = {host: LoadCost().value(robust.problem.initial.after(move), robust.book) for host, move in moves.items()}
    ordered = sorted(moves, key=lambda host: cost[host])
    assert all(stars[one] >= stars[other] for one, other in pairwise(ordered))


def test_newcomers_count_until_they_are_measured() -> None:
    """A guest that the profile leaves out gets the average of a vCPU; a host that it leaves out ends its use."""
    view = view_of(4)
    pool, demand = view.model.state.pool, view.model.state.demand
    assert demand is not None
    short = replace(demand, vms=demand.vms[1:], vm_pcpu=demand.vm_pcpu[1:], quality=demand.quality)
    assert covers(demand, pool)
    assert not covers(short, pool)
    found = covering(short, pool)
    assert found is not None
    assert found.vms == (*demand.vms[1:], demand.vms[0])
    assert found.vm_pcpu[-1].max() > 0.0
    assert covering(replace(demand, hosts=demand.hosts[1:]), pool) is None


@given(st.floats(0, 1e6), st.floats(0, 10))
def test_stars_are_never_none(cost: float, busy: float) -> None:
    """Hosts below the threshold have more stars than others, and all have some, as they are written."""
    stars = float(f"{stars_of(cost, busy):.2f}")
    assert (CALM <= stars <= BEST) if cost <= 1e-9 else (WORST <= stars <= HOT)
