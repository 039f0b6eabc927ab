"""What a night adds when the pool is read: runs before are compared with what came, each for its own hours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rebalancer.execute import StepState, journal_path
from rebalancer.history.keeping import checked, keep_seen
from rebalancer.history.outcome import read_outcome
from rebalancer.history.place import HistoryPlace
from rebalancer.plan import Plan, digest_of
from tests.history.after import AFTER, HOUR, measured, planned
from tests.history.made import entries_of, folder_of, keep_plan, write_journal
from tests.plan.made import MADE_AT
from tests.pools import policy_of


def ran(state: Path, hours: int = 0) -> Plan:
    """A run of the plan, so many hours after it was made, with all that it leaves."""
    plan = replace(planned(), made_at=MADE_AT + hours * HOUR)
    plan = replace(plan, digest=digest_of(plan))
    keep_plan(plan, state)
    write_journal(journal_path(plan.digest, state), *entries_of(plan, {"s01": StepState.MOVED}, at=plan.made_at))
    return plan


def hours_of(plan: Plan, state: Path) -> float | None:
    """How many hours after the run of *plan* were compared."""
    outcome = read_outcome(folder_of(plan, state))
    return outcome.check.hours if outcome and outcome.check else None


def test_each_run_has_its_own_hours(tmp_path: Path) -> None:
    """The first up to the second; that one as many as are over, and the night after all of them."""
    first, second = ran(tmp_path), ran(tmp_path, hours=6)
    place, load = HistoryPlace(state_dir=tmp_path), {"a": 8.0, "b": 10.0, "c": 5.0}
    told = list(checked(place, AFTER, measured(10, **load), policy_of()))
    assert (hours_of(first, tmp_path), hours_of(second, tmp_path)) == (5, 4)
    assert len([words for words in told if "pCPU-hours of overload" in words]) == 2
    again = list(checked(place, AFTER, measured(40, **load), policy_of()))
    assert (hours_of(first, tmp_path), hours_of(second, tmp_path)) == (5, 24)
    assert len([words for words in again if "pCPU-hours of overload" in words]) == 1
    assert list(checked(place, AFTER, measured(50, **load), policy_of())) == []


def test_plans_that_were_not_carried_out_are_not_compared(tmp_path: Path) -> None:
    """Nor does one end the hours of the run before."""
    first = ran(tmp_path)
    waits = replace(planned(), made_at=MADE_AT + 3 * HOUR)
    waits = replace(waits, digest=digest_of(waits))
    keep_plan(waits, tmp_path)
    list(checked(HistoryPlace(state_dir=tmp_path), AFTER, measured(40, a=8.0, b=10.0, c=5.0), policy_of()))
    assert (hours_of(first, tmp_path), hours_of(waits, tmp_path)) == (24, None)


def test_a_wrong_prediction_is_warned_of_by_the_policy(tmp_path: Path) -> None:
    """As far as it lets pass."""
    ran(tmp_path)
    seen = measured(30, a=8.0, b=10.0, c=5.0)
    strict = policy_of(history={"prediction_error": 0.1})
    told = keep_seen(HistoryPlace(state_dir=tmp_path), AFTER, seen, strict)
    assert [words.split(" came to ")[0] for words in told.told if "prediction_error" in words] == ["host h2"]
    assert told.room
    assert told.room.capacity_pcpus == 32.0


def test_without_metrics_nothing_is_added(tmp_path: Path) -> None:
    """And no database is made."""
    seen = keep_seen(HistoryPlace(state_dir=tmp_path / "s"), AFTER, None, policy_of())
    assert (seen.demand, seen.room, seen.told) == (None, None, ())
    assert not (tmp_path / "s").exists()
