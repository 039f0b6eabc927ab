"""When what is left of a run will be done."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest

from rebalancer.execute import RunForecast, UnderWay, forecast, pace_of
from rebalancer.plan import Plan
from tests.execute.watchful import wide_plan, wide_pool

PLAN = wide_plan(wide_pool(), concurrent=2)
NONE: Mapping[str, UnderWay] = {}


def ids(plan: Plan) -> list[str]:
    """The steps, in their order."""
    return [step.id for step in plan.steps]


def expected(**given: object) -> RunForecast:
    """The forecast of PLAN, of which nothing is done unless *given* says so."""
    return forecast(PLAN, **({"done": (), "under_way": NONE, "held": ()} | given))  # type: ignore[arg-type]


def test_from_its_start_a_plan_takes_as_long_as_it_says() -> None:
    """The forecast is the schedule of the plan."""
    assert expected().seconds == pytest.approx(PLAN.schedule.seconds)
    assert expected().ends == pytest.approx({step.id: step.end_seconds for step in PLAN.steps})


def test_what_is_done_takes_no_time() -> None:
    """Only what is left counts; at the end nothing."""
    first, *rest = ids(PLAN)
    assert set(expected(done={first}).ends) == set(rest)
    assert expected(done=ids(PLAN)).seconds == 0


def test_steps_take_as_long_as_those_before_them() -> None:
    """Where the first step took twice its estimate, all that is left is thought to do so."""
    first = PLAN.steps[0]
    pace = pace_of({first.id: 2 * first.seconds}, PLAN)
    assert pace == pytest.approx(2)
    slow, likely = expected(done={first.id}, pace=pace), expected(done={first.id})
    assert slow.seconds == pytest.approx(2 * likely.seconds, rel=0.01)
    assert pace_of({}, PLAN) == 1


def test_the_progress_of_a_migration_counts() -> None:
    """Half-way in half of its time half of it is left; half-way in all of its time, more; at no progress, the rest."""
    assert UnderWay(elapsed=10, share=0.5).left(20) == pytest.approx(10)
    assert UnderWay(elapsed=20, share=0.5).left(20) > 10
    assert UnderWay(elapsed=5, share=0).left(20) == 15
    assert UnderWay(elapsed=50, share=0).left(20) == 0
    assert UnderWay(elapsed=50, share=1).left(20) == 0


def test_nobody_can_tell_when_held_steps_are_done() -> None:
    """They are left out, and what waits for them."""
    plan = wide_plan(wide_pool(), concurrent=1)
    waiting = {step.id for step in plan.steps if "s01" in step.after}
    told = forecast(plan, done=(), under_way=NONE, held={"s01"})
    assert set(told.ends) == set(ids(plan)) - {"s01"} - waiting


def test_every_state_of_a_run_has_a_forecast() -> None:
    """Whatever is done, under way and held at once, however that came to be."""
    chance = random.Random(7)
    for _ in range(300):
        states = {step: chance.choice(["done", "under way", "held", "left"]) for step in ids(PLAN)}
        done, held = ({step for step, state in states.items() if state == each} for each in ("done", "held"))
        ways = {
            step: UnderWay(elapsed=chance.uniform(0, 1000), share=chance.random())
            for step, state in states.items()
            if state == "under way"
        }
        told = expected(done=done, held=held, under_way=ways, pace=chance.uniform(0.1, 10))
        assert set(told.ends).isdisjoint(done | held)
        assert told.seconds >= 0
