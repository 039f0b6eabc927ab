"""Runs against a pool that tells of what is on its way by itself: it is believed, and polled where it falls silent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from rebalancer.errors import StoppedHalfWay, Unreachable, XapiError
from rebalancer.execute import execute
from rebalancer.execute.journal.entries import Intended, Looked
from rebalancer.execute.journal.outcome import StepState
from rebalancer.inventory import Pool
from rebalancer.plan import Plan
from tests.execute.case import ALL_MOVED, STEPS, TIMEOUTS, Case, refusal, where
from tests.execute.outcomes import LAGGING, MOVED_ALL_THE_SAME, OUTCOMES, PASSING
from tests.execute.scripted import Script, plan_of
from tests.execute.telling import TellingPool
from tests.execute.watchful import wide_plan, wide_pool
from tests.pools import policy_of

LONG = 200
"""Seconds of a migration that takes its time."""


def counted(live: TellingPool) -> Counter[str]:
    """The calls that are made from now on."""
    calls = Counter[str]()
    live.before_each = lambda call: calls.update([call])
    return calls


def seconds_of(case: Case, step: str) -> float:
    """How long a step took by the journal."""
    at = {type(each): each.at for each in case.entries if isinstance(each, Intended | Looked) and each.step == step}
    return (at[Looked] - at[Intended]).total_seconds()


def test_who_is_told_does_not_look(case: Case, plan: Plan, pool: Pool) -> None:
    """Of a migration of minutes the run looks at the task every quarter of a minute, and once at its end."""
    live = TellingPool(pool, case.clock, a=Script(polls=LONG))
    calls = counted(live)
    assert execute(plan, live, case.options).complete
    assert where(live) == ALL_MOVED
    assert case.looks == STEPS
    assert calls["task"] < LONG / TIMEOUTS.listen + 3 * len(plan.steps) + 3


def test_an_end_is_seen_at_once(case: Case, plan: Plan, pool: Pool) -> None:
    """The second in which the task ends is the second in which its step is over."""
    live = TellingPool(pool, case.clock, **{vm: Script(polls=20) for vm in "abc"})
    assert execute(plan, live, case.options).complete
    assert all(20 < seconds_of(case, step) < 22 for step in ("s01", "s02", "s03"))


@pytest.mark.parametrize("name", OUTCOMES)
def test_bad_ends_are_told_apart_as_ever(case: Case, plan: Plan, pool: Pool, name: str) -> None:
    """Whatever becomes of a step, who is told comes to the same as who polls."""
    script, state, words = OUTCOMES[name]
    live = TellingPool(pool, case.clock, b=replace(script))
    with pytest.raises(StoppedHalfWay) as stopped:
        execute(plan, live, case.options)
    assert words in stopped.value.reason
    assert live.sent == [("a", "h2"), ("b", "h3")]
    assert case.looks == [("s01", StepState.MOVED), ("s02", state)]


@pytest.mark.parametrize("script", [*MOVED_ALL_THE_SAME.values(), *PASSING.values()])
def test_good_ends_are_as_good(case: Case, plan: Plan, pool: Pool, script: Script) -> None:
    """A VM that came late, or at the second try, has moved."""
    live = TellingPool(pool, case.clock, b=replace(script))
    assert execute(plan, live, case.options).complete
    assert where(live) == ALL_MOVED


@pytest.mark.parametrize("name", LAGGING)
def test_news_of_a_vm_end_the_wait_for_it(case: Case, plan: Plan, pool: Pool, name: str) -> None:
    """A VM that shows up on its target while it is given time is seen then, not at the end of that time."""
    live = TellingPool(pool, case.clock, b=replace(LAGGING[name]))
    arrived = list[float]()

    def arrive(now: float) -> None:
        if len(live.sent) == 2 and not arrived and any("b" in vms for _, vms, _ in live.asked):
            arrived.append(now)
            live.put("b", "h3")

    live.then = arrive
    assert execute(plan, live, case.options).complete
    assert arrived
    assert seconds_of(case, "s02") < TIMEOUTS.quiet


SILENCE: dict[str, XapiError] = {
    "its token cannot be read": refusal("EVENT_FROM_TOKEN_PARSE_FAILURE", "x"),
    "it knows no such call": refusal("MESSAGE_METHOD_UNKNOWN", "event.from"),
    "events were lost": refusal("EVENTS_LOST"),
    "no answer comes": Unreachable("https://h1", "no answer in time", "Wait"),
}


@pytest.mark.parametrize("name", SILENCE)
def test_a_pool_that_does_not_tell_is_polled(case: Case, plan: Plan, pool: Pool, name: str) -> None:
    """For whatever reason: each second somebody looks, and now and then the pool is asked again to tell."""
    live = TellingPool(pool, case.clock, a=Script(polls=LONG))
    live.deaf = SILENCE[name]
    calls = counted(live)
    assert execute(plan, live, case.options).complete
    assert calls["task"] >= LONG
    assert 2 <= calls["news"] <= case.clock.seconds / TIMEOUTS.deaf + 1


def test_a_pool_that_tells_again_is_listened_to(case: Case, plan: Plan, pool: Pool) -> None:
    """After a minute of polling the rest is told again."""
    live = TellingPool(pool, case.clock, a=Script(polls=LONG))
    live.deaf = refusal("EVENTS_LOST")
    calls = Counter[str]()

    def call(name: str) -> None:
        calls.update([name])
        if calls["task"] == 10:
            live.deaf = None

    live.before_each = call
    assert execute(plan, live, case.options).complete
    assert TIMEOUTS.deaf <= calls["task"] < LONG / 2


def test_news_that_are_lost_cost_a_quarter_of_a_minute(case: Case, pool: Pool) -> None:
    """A pool that answers and never tells anything: the end is seen at the next look at all."""
    live = TellingPool(pool, case.clock, a=Script(polls=40))
    live.mute = True
    assert execute(plan_of(pool, ("a", "h2")), live, case.options).complete
    assert 41 <= seconds_of(case, "s01") <= 41 + TIMEOUTS.listen + 1


def cancelled_at(case: Case, live: TellingPool, asked: Callable[[float], bool]) -> tuple[float, float]:
    """When somebody asked twice to stop, as soon as *asked* says of the time, and when the task was cancelled."""
    moments = list[float]()

    def ask(now: float) -> None:
        if not moments and asked(now):
            moments.append(now)
            case.stop.ask()
            case.stop.ask()

    live.then = ask
    live.before_each = lambda call: moments.append(case.clock.seconds) if call == "cancel" else None
    with pytest.raises(StoppedHalfWay, match="TASK_CANCELLED"):
        execute(plan_of(live.pool, ("a", "h2")), live, case.options)
    first, last = moments
    return first, last


def test_a_request_to_stop_ends_the_call(case: Case, pool: Pool) -> None:
    """Ctrl-C twice while the pool tells nothing: the call is woken, and the task is cancelled in that moment."""
    live = TellingPool(pool, case.clock, a=Script(polls=LONG))
    live.mute = True
    asked, cancelled = cancelled_at(case, live, lambda now: now > 50)
    assert (live.woken, cancelled) == (2, asked)


def test_a_request_between_two_calls_is_not_missed(case: Case, pool: Pool) -> None:
    """Asked twice in the moment before the call would leave: it does not."""
    live = TellingPool(pool, case.clock, a=Script(polls=LONG))
    asked, cancelled = cancelled_at(case, live, lambda now: now > 50 and not live.listening)
    assert (live.woken, cancelled) == (0, asked)


def test_time_that_a_step_may_take_runs_on(case: Case, pool: Pool) -> None:
    """A task that never ends and never tells is cancelled when its time is over, not at the next news."""
    plan = plan_of(pool, ("a", "h2"))
    live = TellingPool(pool, case.clock, a=Script(polls=10**6))
    live.mute = True
    cancelled = list[float]()
    live.before_each = lambda call: cancelled.append(case.clock.seconds) if call == "cancel" else None
    with pytest.raises(StoppedHalfWay):
        execute(plan, live, case.options)
    limit = TIMEOUTS.for_step(plan.steps[0].seconds)
    assert cancelled == pytest.approx([limit], abs=2)


def test_held_vms_are_looked_at_in_time(case: Case, pool: Pool) -> None:
    """While a long migration is listened to, a VM whose backup ends is moved seconds later."""
    policy = policy_of(limits={"concurrent": 2, "out_per_host": 2, "in_per_host": 1})
    plan = plan_of(pool, ("a", "h2"), ("b", "h3"), policy=policy)
    live = TellingPool(pool, case.clock, a=Script(polls=LONG))
    live.mute = True
    live.change("b", current_operations=("export",))
    live.then = lambda now: live.change("b", current_operations=()) if now == 60 else None
    options = replace(case.options, timeouts=replace(TIMEOUTS, listen=1000.0))
    assert execute(plan, live, options).complete
    began = next(each.at for each in case.entries if isinstance(each, Intended) and each.vm == "b")
    first = next(each.at for each in case.entries if isinstance(each, Intended))
    assert (began - first).total_seconds() < 60 + 2 * TIMEOUTS.held


def test_one_call_is_for_all_that_is_on_its_way(case: Case) -> None:
    """Three migrations, one question for news of all of their tasks."""
    pool = wide_pool()
    live = TellingPool(pool, case.clock, **{vm: Script(polls=9) for vm in "abcd"})
    assert execute(wide_plan(pool), live, case.options).complete
    assert max(len(tasks) for tasks, _, _ in live.asked) == 3
