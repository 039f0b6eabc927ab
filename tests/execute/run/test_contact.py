"""A pool that does not answer for a while, or never again."""

from __future__ import annotations

import pytest

from rebalancer.errors import (
    StoppedHalfWay,
    Unreachable,
)
from rebalancer.execute import execute
from rebalancer.execute.journal.outcome import StepState
from rebalancer.inventory import Pool
from rebalancer.plan.plan import Plan
from tests.execute.case import DOWN, TIMEOUTS, Case, refusal
from tests.execute.scripted import ScriptedPool
from tests.execute.watchful import WatchfulPool, wide_plan, wide_pool


def test_a_pool_that_comes_back_does_not_disturb(case: Case, plan: Plan, pool: Pool) -> None:
    """Reads are asked again while the coordinator is away, in the middle of a migration too."""
    live, calls = ScriptedPool(pool), list[str]()

    def flap(call: str) -> None:
        calls.append(call)
        if call in {"read", "task", "whereabouts", "assert_may_migrate"} and len(calls) % 3 == 0:
            raise DOWN

    live.before_each = flap
    assert execute(plan, live, case.options).complete
    assert len(live.sent) == 3


def test_a_toolstack_that_is_starting_is_waited_for(case: Case, plan: Plan, pool: Pool) -> None:
    """HOST_STILL_BOOTING to a question, in the middle of a migration, is no answer."""
    live, calls = ScriptedPool(pool), list[str]()

    def boot(call: str) -> None:
        calls.append(call)
        if call in {"read", "task", "whereabouts"} and len(calls) % 3 == 0:
            raise refusal("HOST_STILL_BOOTING")

    live.before_each = boot
    assert execute(plan, live, case.options).complete
    assert len(live.sent) == 3


def test_a_pool_that_never_answers_moved_nothing(case: Case, plan: Plan, pool: Pool) -> None:
    """Before anything was sent it is no half-way stop, just a pool that cannot be reached."""
    live = ScriptedPool(pool)

    def down(_call: str) -> None:
        raise DOWN

    live.before_each = down
    with pytest.raises(Unreachable):
        execute(plan, live, case.options)
    assert case.clock.seconds == pytest.approx(TIMEOUTS.unreachable, abs=2)


def test_a_pool_that_is_lost_during_a_migration_leaves_it_unknown(case: Case, plan: Plan, pool: Pool) -> None:
    """Nobody can tell where the VM is, so nothing more is sent, and the journal says so."""
    live = ScriptedPool(pool)

    def down(call: str) -> None:
        if live.sent and call in {"task", "whereabouts"}:
            raise DOWN

    live.before_each = down
    with pytest.raises(StoppedHalfWay, match="does not tell"):
        execute(plan, live, case.options)
    assert case.looks == [("s01", StepState.UNKNOWN)]


def test_several_steps_on_their_way_wait_for_a_silent_pool_together(case: Case) -> None:
    """One silence is waited for once, not once for each of them; all are unknown then."""
    live = WatchfulPool(wide_pool())

    def down(call: str) -> None:
        if len(live.sent) > 1 and call in {"task", "whereabouts"}:
            raise DOWN

    live.before_each = down
    with pytest.raises(StoppedHalfWay, match="does not tell"):
        execute(wide_plan(live.pool), live, case.options)
    assert len(case.looks) == len(live.sent) > 1
    assert case.clock.seconds < 2 * TIMEOUTS.unreachable
