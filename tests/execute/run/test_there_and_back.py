"""A VM that steps aside and comes home: where it is does not tell how far it has come."""

from __future__ import annotations

import pytest

from rebalancer.execute import execute, resume
from rebalancer.inventory import Pool
from rebalancer.plan import Plan
from tests.execute.case import Case
from tests.execute.scripted import ScriptedPool, plan_of


@pytest.fixture
def plan(pool: Pool) -> Plan:
    """It parks a on h2 while b goes to h3, and brings a home."""
    return plan_of(pool, ("a", "h2"), ("b", "h3"), ("a", "h1"))


ALL_SENT = [("a", "h2"), ("b", "h3"), ("a", "h1")]


def test_a_vm_that_has_not_left_yet_leaves_and_comes_home(case: Case, plan: Plan, pool: Pool) -> None:
    """It is on the target of its last step before the first one begins: nothing is done for that."""
    live = ScriptedPool(pool)
    assert execute(plan, live, case.options).complete
    assert live.sent == ALL_SENT


def test_stopped_on_the_way_it_comes_home_later(case: Case, plan: Plan, pool: Pool) -> None:
    """Resumed while it is parked, the steps that are left are made, and none again."""
    live = ScriptedPool(pool)
    case.stop_after_a_step(plan, live)
    assert resume(plan, live, case.options).complete
    assert live.sent == ALL_SENT


def test_brought_home_by_somebody_else_it_is_not_sent_again(case: Case, plan: Plan, pool: Pool) -> None:
    """The journal tells that it had left: at home again, its way is done."""
    live = ScriptedPool(pool)
    case.stop_after_a_step(plan, live)
    live.put("a", "h1")
    assert resume(plan, live, case.options).complete
    assert live.sent == ALL_SENT[:2]
