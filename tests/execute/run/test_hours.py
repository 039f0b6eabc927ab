"""Change windows while a plan is carried out: nothing is sent outside of them, and the next one goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from rebalancer.execute import Ending, execute, resume
from rebalancer.inventory import Pool
from rebalancer.plan import Plan
from rebalancer.policy import ANY_TIME
from rebalancer.units import GIB
from tests.execute.case import ALL_MOVED, Case, where
from tests.execute.scripted import Script, ScriptedPool, plan_of
from tests.pools import make_host, make_pool, make_vm, policy_of

HOUR = timedelta(hours=1)
UNMOVED = {"a": "h1", "b": "h1", "c": "h1"}


@pytest.fixture
def pool() -> Pool:
    """Three VMs, of which each takes nine and a half minutes to leave the first host, one after another."""
    hosts = [make_host(name, memory_total_bytes=256 * GIB) for name in ("h1", "h2", "h3")]
    return make_pool(hosts=hosts, vms=[make_vm(name, gib=40) for name in "abc"])


def within(pool: Pool, case: Case, *, opens: float, closes: float, key: str = "window") -> Plan:
    """A plan that brings a and c to h2 and b to h3, with a window, or a blackout, that many minutes from now."""
    now = case.clock.now()
    times = {name: f"{now + timedelta(minutes=minutes):%H:%M}" for name, minutes in (("start", opens), ("end", closes))}
    return plan_of(
        pool, ("a", "h2"), ("b", "h3"), ("c", "h2"), policy=policy_of(**{key: [times]}, plan={"expires_hours": 48})
    )


@pytest.mark.parametrize(
    ("key", "opens", "closes"),
    [("window", 120, 180), ("window", -60, -10), ("window", -10, 0), ("window", -20, 9), ("blackout", -20, 120)],
)
def test_outside_nothing_is_sent(case: Case, pool: Pool, key: str, opens: float, closes: float) -> None:
    """Before and after a window, too late in it, and in a blackout: a clean end, and when the next one opens."""
    live, plan = ScriptedPool(pool), within(pool, case, opens=opens, closes=closes, key=key)
    result = execute(plan, live, case.options)
    assert (result.ending, result.done, len(result.left)) == (Ending.WINDOW, (), len(plan.steps))
    assert (where(live), live.sent) == (UNMOVED, [])
    next_one = timedelta(minutes=closes if key == "blackout" else opens % (24 * 60))
    assert result.opens_at == case.clock.now() + next_one
    assert f"the next opens at {result.opens_at:%Y-%m-%d %H:%M} UTC" in str(result)
    assert result.as_json()["opens_at"] == result.opens_at.isoformat()


def test_a_blackout_that_comes_ends_the_run_like_a_window_that_closes(case: Case, pool: Pool) -> None:
    """It begins in twelve minutes, so that one step fits before it."""
    live, plan = ScriptedPool(pool), within(pool, case, opens=12, closes=60, key="blackout")
    begun, live.scripts["a"] = case.clock.now(), [Script(polls=566)]
    result = execute(plan, live, case.options)
    assert (result.ending, len(result.done)) == (Ending.WINDOW, 1)
    assert result.opens_at == begun + HOUR


def test_inside_all_is_done(case: Case, pool: Pool) -> None:
    """A window that is long enough changes nothing."""
    live = ScriptedPool(pool)
    result = execute(within(pool, case, opens=-20, closes=60), live, case.options)
    assert (result.complete, result.opens_at, where(live)) == (True, None, ALL_MOVED)


def test_a_window_that_closes_half_way_leaves_the_rest_to_the_next(case: Case, pool: Pool) -> None:
    """Of three steps one fits; a second run outside sends nothing, one in the next window does the rest."""
    live, plan = ScriptedPool(pool, a=Script(polls=566)), within(pool, case, opens=-20, closes=12)
    begun = execute(plan, live, case.options)
    assert (begun.ending, begun.done, begun.left) == (Ending.WINDOW, ("s01",), ("s02", "s03"))
    assert begun.opens_at is not None
    again = resume(plan, live, case.options)
    assert (again.ending, again.done, len(live.sent)) == (Ending.WINDOW, ("s01",), 1)
    case.clock.sleep((begun.opens_at - case.clock.now()).total_seconds())
    rest = resume(plan, live, case.options)
    assert (rest.complete, rest.opens_at, where(live)) == (True, None, ALL_MOVED)


def test_what_is_on_its_way_is_followed_outside_too(case: Case, pool: Pool) -> None:
    """A run was killed after its first call; the window is closed by now: the call is settled, nothing else is sent."""
    live, plan = ScriptedPool(pool, a=Script(polls=40)), within(pool, case, opens=-20, closes=20)
    live.before_each = killed_after(live, calls=5)
    with pytest.raises(KeyboardInterrupt):
        execute(plan, live, case.options)
    live.before_each = lambda _call: None
    case.clock.sleep(HOUR.total_seconds())
    result = resume(plan, live, case.options)
    assert (result.ending, result.done, len(live.sent)) == (Ending.WINDOW, ("s01",), 1)


def killed_after(live: ScriptedPool, *, calls: int) -> Callable[[str], None]:
    """A pool in front of which the process dies, *calls* calls after the first migration was sent."""
    left = calls

    def hear(_call: str) -> None:
        nonlocal left
        left -= bool(live.sent)
        if left < 0:
            raise KeyboardInterrupt

    return hear


def test_a_deadline_of_ones_own_counts_beside_the_window(case: Case, pool: Pool) -> None:
    """Whichever comes first ends the run, and is named."""
    case.options = replace(case.options, deadline=case.clock.now() + timedelta(minutes=5))
    result = execute(within(pool, case, opens=-20, closes=30), ScriptedPool(pool), case.options)
    assert (result.ending, result.done, result.opens_at) == (Ending.DEADLINE, (), None)


def test_whoever_must_may_do_without(case: Case, pool: Pool) -> None:
    """With windows that never close, the plan runs outside its own."""
    live = ScriptedPool(pool)
    result = execute(within(pool, case, opens=120, closes=180), live, replace(case.options, windows=ANY_TIME))
    assert (result.complete, where(live)) == (True, ALL_MOVED)
