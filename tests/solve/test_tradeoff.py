"""The curve of cost against load: every point is the best that brute force finds for as much to pay."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from rebalancer.objectives import LastResort, LoadCost, MigrationCost, Repair
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.solve import Cost, Point, tradeoff
from rebalancer.solve.tradeoff import knee_of
from tests.solve.reluctant import ANY_GAIN, HOT, ON_H1, reluctant
from tests.solve.tiny import accepted_by_checker, random_problem, tiny


def paid(cost: Cost, placement: Placement, problem: Problem) -> float:
    """What reaching *placement* costs."""
    if cost is Cost.GIB:
        return MigrationCost().value(placement, Rulebook.of(problem))
    return float(len(problem.initial.moves_to(placement)))


def least(problem: Problem, cost: Cost, allowed: float) -> float:
    """The least load cost that brute force finds with no more than *allowed* to pay and no more broken than tonight."""
    goals = no_more_broken(problem)
    return min(
        LoadCost().value(goal, Rulebook.of(problem)) for goal in goals if paid(cost, goal, problem) <= allowed + 1e-9
    )


@pytest.mark.parametrize("cost", Cost)
@pytest.mark.parametrize("seed", range(5))
def test_every_point_is_the_best_for_its_price(seed: int, cost: Cost) -> None:
    """Proved, with the load cost of brute force, and costs no more than it might."""
    problem = random_problem(seed)
    curve = tradeoff(Rulebook.of(problem), cost=cost, points=6)
    for point in curve.points:
        assert point.proved
        assert point.load_cost == pytest.approx(least(problem, cost, point.allowed), abs=1e-9)
        assert point.paid(cost) == paid(cost, point.placement, problem) <= point.allowed + 1e-9
        assert point.load_cost == pytest.approx(LoadCost().value(point.placement, Rulebook.of(problem)))


@pytest.mark.parametrize("cost", Cost)
@pytest.mark.parametrize("seed", range(5))
def test_last_resorts_move_only_as_far_as_the_least_overload_takes(seed: int, cost: Cost) -> None:
    """No point moves more of them than brute force has to for the least load cost, and among such each is the best."""
    problem = reluctant(random_problem(seed), "v0", "v1", "v2")
    goals = no_more_broken(problem)
    _, forced = min(
        (round(LoadCost().value(each, Rulebook.of(problem)), 9), LastResort().value(each, Rulebook.of(problem)))
        for each in goals
    )
    spared = [each for each in goals if LastResort().value(each, Rulebook.of(problem)) <= forced]
    curve = tradeoff(Rulebook.of(problem), cost=cost, points=4)
    assert curve.last_resorts == forced
    for point in curve.points:
        assert LastResort().value(point.placement, Rulebook.of(problem)) <= forced
        paying = [each for each in spared if paid(cost, each, problem) <= point.allowed + 1e-9]
        best = min(LoadCost().value(each, Rulebook.of(problem)) for each in paying)
        assert (point.load_cost, point.bound) == pytest.approx((best, best), abs=1e-9)


def no_more_broken(problem: Problem) -> list[Placement]:
    """All placements that the rules accept and that break no more than tonight."""
    repair, vms = Repair(), list(problem.initial)
    goals = [Placement(dict(zip(vms, hosts, strict=True))) for hosts in accepted_by_checker(problem)]
    broken = repair.value(problem.initial, Rulebook.of(problem))
    return [goal for goal in goals if repair.value(goal, Rulebook.of(problem)) <= broken]


def test_another_vm_moves_on_the_whole_curve() -> None:
    """b clears the host with the fewest GiB; as a last resort it stays at every point, and a goes."""
    problem = tiny(ON_H1, load=HOT, limits=ANY_GAIN)
    assert tradeoff(Rulebook.of(problem)).points[-1].placement["b"] != "h1"
    assert {point.placement["b"] for point in tradeoff(Rulebook.of(reluctant(problem, "b"))).points} == {"h1"}


@pytest.mark.parametrize("seed", range(5))
def test_no_point_is_dominated(seed: int) -> None:
    """Each costs more than the one before it and leaves load that costs less; the first is to do nothing."""
    problem = random_problem(seed)
    points = tradeoff(Rulebook.of(problem), points=6).points
    assert points[0].placement == problem.initial
    assert all(one.gib < next_one.gib for one, next_one in pairwise(points))
    assert all(one.load_cost > next_one.load_cost for one, next_one in pairwise(points))


def test_the_policy_limits_the_curve() -> None:
    """With two moves allowed no point has three."""
    problem = random_problem(0)
    limits = problem.policy.limits.model_copy(update={"maximum_moves": 2})
    limited = replace(problem, policy=problem.policy.model_copy(update={"limits": limits}))
    assert max(point.moves for point in tradeoff(Rulebook.of(limited), points=5).points) <= 2
    assert max(point.moves for point in tradeoff(Rulebook.of(limited), cost=Cost.MOVES, points=5).points) <= 2


def test_the_knee_is_where_paying_more_stops_to_bring_much() -> None:
    """Ten GiB take away nine tenths; ninety more the rest. Two ends have no knee, nor has a straight line."""
    curve = [_point(0, 100), _point(10, 10), _point(50, 5), _point(100, 0)]
    assert knee_of(curve, Cost.GIB) == 1
    assert knee_of([curve[0], curve[-1]], Cost.GIB) is None
    assert knee_of([_point(0, 100), _point(50, 50), _point(100, 0)], Cost.GIB) is None


def _point(gib: float, load_cost: float) -> Point:
    """A point of which only these two numbers count."""
    nothing = Placement({})
    return Point(allowed=gib, gib=gib, moves=0, load_cost=load_cost, bound=load_cost, proved=True, placement=nothing)
