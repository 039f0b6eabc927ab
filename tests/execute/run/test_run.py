"""Runs against a scripted pool: what is asked, written and sent, in which order, and what is found done already."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rebalancer.errors import (
    InputError,
    StoppedHalfWay,
)
from rebalancer.execute import Ending, execute, read_journal, resume
from rebalancer.execute.journal.entries import Entry, Sent
from rebalancer.execute.journal.journal import Journal
from rebalancer.inventory import Pool
from rebalancer.plan.plan import Plan
from tests.execute.case import ALL_MOVED, STEPS, Case, where
from tests.execute.scripted import ScriptedPool, plan_of
from tests.pools import make_vm


def test_a_plan_is_carried_out(case: Case, plan: Plan, pool: Pool) -> None:
    """Every VM ends where the plan says, one call each, and no task is left behind."""
    live = ScriptedPool(pool)
    result = execute(plan, live, case.options)
    assert (result.ending, result.done, result.left) == (Ending.COMPLETE, ("s01", "s02", "s03"), ())
    assert where(live) == ALL_MOVED
    assert live.sent == [("a", "h2"), ("b", "h3"), ("c", "h2")]
    assert live.forgotten == ["OpaqueRef:1", "OpaqueRef:2", "OpaqueRef:3"]
    assert case.looks == STEPS
    assert result.differences == ()


def test_the_intent_is_on_the_disk_before_the_call(case: Case, plan: Plan, pool: Pool) -> None:
    """When the call leaves, the journal ends with its intent; when the next is asked, with the look after the last."""
    live = ScriptedPool(pool)
    at: list[tuple[str, str]] = []
    live.before_each = lambda call: (
        at.append((call, type(read_journal(case.journal)[-1]).__name__)) if case.journal.exists() else None
    )
    execute(plan, live, case.options)
    assert {last for call, last in at if call == "migrate"} == {"Intended"}
    assert {last for call, last in at if call == "task"} == {"Sent"}
    assert {last for call, last in at if call == "assert_may_migrate"} == {"RunBegan", "Looked"}


def test_the_pool_is_looked_at_and_asked_before_each_call(case: Case, plan: Plan, pool: Pool) -> None:
    """Before each migration: where the VM is, the inventory, XAPI's opinion, where the VM is; then mark and lock."""
    live, calls = ScriptedPool(pool), list[str]()
    live.before_each = calls.append
    execute(plan, live, case.options)
    sends = [number for number, call in enumerate(calls) if call == "migrate"]
    before = ["whereabouts", "read", "assert_may_migrate", "whereabouts", "add_to_vm", "of_pool"]
    assert [calls[number - 6 : number] for number in sends] == [before] * 3


def test_a_plan_without_steps_touches_nothing(case: Case, pool: Pool) -> None:
    """Nothing to do: no call, no journal."""
    live, calls = ScriptedPool(pool), list[str]()
    live.before_each = calls.append
    assert execute(plan_of(pool), live, case.options).complete
    assert not calls
    assert not case.journal.exists()


def test_a_vm_that_is_there_already_is_not_moved(case: Case, plan: Plan, pool: Pool) -> None:
    """Somebody made a step by hand: it is done, and the others are made."""
    live = ScriptedPool(pool)
    live.put("b", "h3")
    result = execute(plan, live, case.options)
    assert result.complete
    assert live.sent == [("a", "h2"), ("c", "h2")]
    assert result.differences == ()


def test_drift_that_leaves_the_plan_legal_goes_on(case: Case, plan: Plan, pool: Pool) -> None:
    """A VM that started meanwhile and does not matter is reported, and the plan is carried out."""
    live = ScriptedPool(replace(pool, vms={**pool.vms, "new": make_vm("new", on="h3")}))
    result = execute(plan, live, case.options)
    assert result.complete
    assert result.differences == ("VM new runs on h3 and did not run before",)


def test_a_deadline_ends_the_run_before_a_step_that_would_be_late(case: Case, plan: Plan, pool: Pool) -> None:
    """With time for one step and a half, one step is made."""
    live = ScriptedPool(pool)
    deadline = case.clock.now() + timedelta(seconds=plan.steps[0].seconds + 1)
    case.options = replace(case.options, deadline=deadline)
    result = execute(plan, live, case.options)
    assert (result.ending, result.done) == (Ending.DEADLINE, ("s01",))
    assert case.clock.now() <= deadline


def test_a_plan_is_not_begun_twice(case: Case, plan: Plan, pool: Pool) -> None:
    """A journal that tells of a step belongs to a run that can only be resumed."""
    live = ScriptedPool(pool)
    execute(plan, live, case.options)
    with pytest.raises(InputError, match="begun already"):
        execute(plan, live, case.options)
    assert resume(plan, live, case.options).complete
    assert len(live.sent) == 3


def test_a_journal_of_another_plan_is_refused(case: Case, plan: Plan, pool: Pool) -> None:
    """A journal is bound to the digest of its plan."""
    live = ScriptedPool(pool)
    execute(plan, live, case.options)
    other = plan_of(live.pool, ("a", "h1"))
    for run in (execute, resume):
        with pytest.raises(InputError, match="another plan"):
            run(other, live, case.options)


def test_a_journal_that_cannot_be_written_sends_nothing(case: Case, plan: Plan, pool: Pool) -> None:
    """Without a journal there is no call."""
    live = ScriptedPool(pool)
    case.journal.mkdir()
    with pytest.raises(InputError, match="journal"):
        execute(plan, live, case.options)
    assert live.sent == []


def test_a_disk_that_fills_up_during_a_migration_stops_the_run(
    case: Case, plan: Plan, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call is out and its task cannot be written: people are told, the intent is there, resume settles it."""
    live, append = ScriptedPool(pool), Journal.append

    def full(self: Journal, entry: Entry) -> None:
        if isinstance(entry, Sent):
            raise InputError("journal", "no space left", "Make room")
        append(self, entry)

    monkeypatch.setattr(Journal, "append", full)
    with pytest.raises(StoppedHalfWay, match="no space left"):
        execute(plan, live, case.options)
    monkeypatch.setattr(Journal, "append", append)
    live.put("a", "h2")
    live.change("a", scheduled_to_be_resident_on=None, current_operations=())
    assert resume(plan, live, case.options).complete
    assert live.sent == [("a", "h2"), ("b", "h3"), ("c", "h2")]
