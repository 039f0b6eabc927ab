"""The order that ends soonest: never later than the given one, and legal in every interleaving."""

from __future__ import annotations

import random
from itertools import permutations

from hypothesis import assume, given, settings

from rebalancer.order.order import Order, find_order
from rebalancer.placement import Placement
from rebalancer.plan.duration import NO_EXPERIENCE
from rebalancer.planner.compose import SCHEDULE_EFFORT
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.schedule.lanes import makespan
from rebalancer.schedule.retime import InTime, in_time
from rebalancer.solve.exact.intervals import Intervals, Reservoir, Shared, shortened
from rebalancer.verify.verify import verify_plan
from tests.order.tight import tight_task
from tests.plan.made import LATER, goal_of, order_of, plan_of, pool_with, swap, tasks
from tests.pools import policy_of, problem_of

WIDE = {"concurrent": 8, "in_per_host": 1, "out_per_host": 1}


def timed(problem: Problem, goal: Placement, *, effort: float) -> InTime:
    """The moves to *goal*, from the order that is found for them."""
    return in_time(order_of(problem, goal).migrations, Rulebook.of(problem), NO_EXPERIENCE, effort)


def with_wide_limits(problem: Problem) -> Problem:
    """The same pool, where many may run at once."""
    return problem_of(problem.pool, policy=policy_of(rules={"set": "enforced"}, limits=WIDE))


@settings(max_examples=30)
@given(tasks(most_vms=6))
def test_no_order_is_left_for_a_longer_one(case: tuple[Problem, Placement]) -> None:
    """All migrations are made, none twice; and the plan is proven in every interleaving that its relations allow."""
    problem, goal = with_wide_limits(case[0]), case[1]
    assume(isinstance(find_order(Rulebook.of(problem), goal, seed=1), Order))
    given_order, found = (timed(problem, goal, effort=effort) for effort in (0.0, SCHEDULE_EFFORT))
    assert sorted(found.positions) == list(range(len(given_order.positions)))
    assert found.timetable.ticks <= given_order.timetable.ticks
    assert found.timetable.ticks == makespan(found.jobs, found.timetable.starts)
    assert verify_plan(plan_of(problem, goal), problem.pool, now=LATER) == ()


def test_tight_pools_take_less_time() -> None:
    """Of a few pools at 80 % of their memory, some plans become shorter, none longer, and each is proven."""
    chance, shorter = random.Random(3), 0
    for _ in range(4):
        tight, goal = tight_task(4, chance, fill=0.8)
        problem = with_wide_limits(tight)
        order = find_order(Rulebook.of(problem), goal, seed=1)
        if isinstance(order, Order):
            before, after = (timed(problem, goal, effort=effort) for effort in (0.0, SCHEDULE_EFFORT))
            assert after.timetable.ticks <= before.timetable.ticks
            shorter += after.positions != before.positions
            assert verify_plan(plan_of(problem, goal), problem.pool, now=LATER) == ()
    assert shorter


def test_an_order_with_hops_stays() -> None:
    """Who is parked when is the order's own business."""
    problem = swap()
    goal = goal_of(problem, big="h2", small="h1")
    assert timed(problem, goal, effort=SCHEDULE_EFFORT).positions == (0, 1, 2)


def test_nothing_to_do_takes_no_time() -> None:
    """No migrations, no ticks."""
    problem = problem_of(pool_with({"h1": 10}, {"a": ("h1", 4)}))
    assert timed(problem, problem.initial, effort=SCHEDULE_EFFORT).timetable.ticks == 0


def test_cp_sat_keeps_what_tasks_hold() -> None:
    """Against all orders by hand: who takes room waits for those that free it, and the shortest is found."""
    ticks, room = (4, 3, 2, 1), 6
    held = Reservoir(until_end={0: 4, 1: 2}, from_start={2: 3, 3: 3}, room=room)
    lanes = (Shared(members=(0, 1, 2, 3), width=2),)
    tasks_ = Intervals(ticks=ticks, after=((),) * 4, lanes=lanes, held=(held,))
    starts = shortened(tasks_, (0, 4, 7, 9), least=5, effort=1.0)
    ends = [start + each for start, each in zip(starts, ticks, strict=True)]
    for moment in range(max(ends)):
        holding = sum(size for each, size in held.until_end.items() if ends[each] > moment)
        holding += sum(size for each, size in held.from_start.items() if starts[each] <= moment)
        assert holding <= room
    assert max(ends) == shortest(ticks, held)


def shortest(ticks: tuple[int, ...], held: Reservoir) -> int:
    """The least of all orders in which each begins as soon as two lanes and the room allow."""
    return min(
        length for order in permutations(range(len(ticks))) if (length := packed(order, ticks, held)) is not None
    )


def packed(order: tuple[int, ...], ticks: tuple[int, ...], held: Reservoir) -> int | None:
    """The length of one order, none beginning before those that stand before it; None where one never fits."""
    begun: dict[int, int] = {}
    now = 0
    for each in order:
        while not fits(each, now, begun, ticks, held):
            if now > sum(ticks):
                return None
            now += 1
        begun[each] = now
    return max(start + ticks[each] for each, start in begun.items())


def fits(each: int, now: int, begun: dict[int, int], ticks: tuple[int, ...], held: Reservoir) -> bool:
    """Whether *each* may begin now beside what has begun."""
    running = sum(start + ticks[other] > now for other, start in begun.items())
    taken = sum(
        size for other, size in held.until_end.items() if other not in begun or begun[other] + ticks[other] > now
    )
    taken += sum(size for other, size in held.from_start.items() if other in begun)
    return running < 2 and taken + held.from_start.get(each, 0) <= held.room
