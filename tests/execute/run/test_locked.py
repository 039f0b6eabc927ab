"""Runs and the lock in the pool: refused, lost, left behind, taken up, and done without where the policy permits it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rebalancer.errors import PoolLocked, RefusedByXapi, StoppedHalfWay
from rebalancer.execute import RunReporter, execute, read_journal, resume
from rebalancer.execute.claim.pool_claim import LEASE, LOCK
from rebalancer.execute.journal.entries import RunBegan, RunEnded
from rebalancer.inventory import Pool
from rebalancer.plan import Plan
from tests.execute.case import ALL_MOVED, DOWN, Case, where
from tests.execute.killing import Killed
from tests.execute.scripted import Script, ScriptedPool, plan_of
from tests.pools import policy_of

DENIED = RefusedByXapi("pool.add_to_gui_config", "RBAC_PERMISSION_DENIED", ["pool.add_to_gui_config", "no"], "not you")


class Listener(RunReporter):
    """Keeps what is to be known of the lock."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def lock_told(self, words: str) -> None:
        """Keep it."""
        self.heard.append(words)


def test_a_run_locks_the_pool_while_it_lasts(case: Case, plan: Plan, pool: Pool) -> None:
    """The lock is there at each migration, names the run of the journal, and is gone at the end."""
    live, held = ScriptedPool(pool), list[str]()
    live.before_each = lambda call: held.append(live.marks.keys[LOCK]) if call == "migrate" else None
    assert execute(plan, live, case.options).complete
    assert len(held) == len(plan.steps)
    began = case.entries[0]
    assert isinstance(began, RunBegan)
    assert f'"{began.run}"' in held[0]
    assert live.marks.keys == {}


def test_a_run_that_waits_for_long_shows_that_it_lives(case: Case, plan: Plan, pool: Pool) -> None:
    """A migration takes five minutes: the lease was renewed meanwhile."""
    live, seen = ScriptedPool(pool, a=Script(polls=300)), set[str]()
    live.before_each = lambda _call: seen.update(key for key in live.marks.keys if key.startswith(LEASE))
    assert execute(plan, live, case.options).complete
    assert len(seen) >= 4
    assert live.marks.keys == {}


def test_a_pool_that_is_locked_is_left_alone(case: Case, plan: Plan, pool: Pool, tmp_path: Path) -> None:
    """The second run is refused before it sends anything, in words, and the first one's lock stays."""
    live, other = ScriptedPool(pool), Case(tmp_path / "other")

    def second(call: str) -> None:
        if call == "migrate":
            live.before_each = lambda _call: None
            with pytest.raises(PoolLocked, match="is held by run"):
                execute(plan, live, other.options)

    live.before_each = second
    assert execute(plan, live, case.options).complete
    assert live.sent == [("a", "h2"), ("b", "h3"), ("c", "h2")]
    assert isinstance(read_journal(other.journal)[-1], RunEnded)


def test_a_killed_run_goes_on_with_its_own_lock(case: Case, plan: Plan, pool: Pool) -> None:
    """The lock stays after the kill, and the same journal takes it up."""
    live = ScriptedPool(pool)
    live.before_each = killed_at("assert_may_migrate")
    with pytest.raises(Killed):
        execute(plan, live, case.options)
    assert LOCK in live.marks.keys
    live.before_each = lambda _call: None
    assert resume(plan, live, case.options).complete
    assert (where(live), live.marks.keys) == (ALL_MOVED, {})


def killed_at(call: str) -> Callable[[str], None]:
    """The process is dead from the first call of that name on."""
    dead = [False]

    def die(name: str) -> None:
        dead[0] = dead[0] or name == call
        if dead[0]:
            raise Killed

    return die


def test_a_run_that_lost_its_lock_launches_nothing_more(case: Case, plan: Plan, pool: Pool) -> None:
    """Somebody took it away while the first migration ran: that one is followed to its end, and the run stops."""
    live = ScriptedPool(pool, a=Script(polls=100))
    live.before_each = lambda call: live.marks.keys.update({LOCK: "another"}) if call == "task" else None
    with pytest.raises(StoppedHalfWay, match="taken the lock in the pool away"):
        execute(plan, live, case.options)
    assert live.sent == [("a", "h2")]
    assert where(live)["a"] == "h2"
    assert live.marks.keys[LOCK] == "another"


def test_without_the_role_nothing_is_done(case: Case, plan: Plan, pool: Pool) -> None:
    """The run is refused with what the pool says of roles."""
    live = ScriptedPool(pool)
    live.marks.refused = DENIED
    with pytest.raises(RefusedByXapi, match="not you"):
        execute(plan, live, case.options)
    assert live.sent == []


def test_a_policy_may_do_without_the_lock(case: Case, pool: Pool) -> None:
    """`pool_lock = "if-permitted"`: the run goes on, and says that the pool is not locked."""
    plan = plan_of(pool, ("a", "h2"), policy=policy_of(execution={"pool_lock": "if-permitted"}))
    live, told = ScriptedPool(pool), Listener()
    live.marks.refused = DENIED
    assert execute(plan, live, replace(case.options, reporter=told)).complete
    assert [words.partition(" (")[0] for words in told.heard] == [
        "the pool is not locked, as execution.pool_lock permits: not you"
    ]


def test_a_lock_that_stays_is_told(case: Case, plan: Plan, pool: Pool) -> None:
    """The pool falls silent for good: the run stops, and says that its lock stays; the next one removes it."""
    live, told = ScriptedPool(pool), Listener()
    live.before_each = silent_after("task")
    with pytest.raises(StoppedHalfWay):
        execute(plan, live, replace(case.options, reporter=told))
    assert [words for words in told.heard if words.startswith("the lock stays")]
    live.before_each = lambda _call: None
    assert resume(plan, live, case.options).complete
    assert live.marks.keys == {}


def silent_after(call: str) -> Callable[[str], None]:
    """From the first call of that name on nobody answers."""
    silent = [False]

    def answer(name: str) -> None:
        silent[0] = silent[0] or name == call
        if silent[0]:
            raise DOWN

    return answer


def test_a_lock_that_was_broken_is_told(case: Case, plan: Plan, pool: Pool, tmp_path: Path) -> None:
    """With `break_lock` the run of somebody else loses its lock, and its name is said."""
    live, told = ScriptedPool(pool), Listener()
    live.before_each = killed_at("assert_may_migrate")
    with pytest.raises(Killed):
        execute(plan, live, Case(tmp_path / "other").options)
    live.before_each = lambda _call: None
    live.marks.time = live.marks.time.replace(minute=33)
    with pytest.raises(PoolLocked):
        execute(plan, live, case.options)
    assert execute(plan, live, replace(case.options, break_lock=True, reporter=told)).complete
    assert told.heard[0].startswith("the lock of run ")
    assert told.heard[0].endswith(" was broken")
