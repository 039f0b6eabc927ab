"""What of a night is worth telling."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rebalancer.nightly.ending import NightEnd
from rebalancer.nightly.notify.earlier import KEPT, EarlierNights, earlier_nights, keep_nights
from rebalancer.nightly.notify.occasions import digest, digest_is_due, occasions_of
from rebalancer.nightly.result import NightlyResult, Verdict
from rebalancer.policy import Day, NotifyPolicy, ToldOf
from tests.plan.made import goal_of, plan_of, swap

MONDAY = datetime(2026, 3, 2, 3, tzinfo=UTC)
DAY = timedelta(days=1)
PLAN = plan_of(swap(), goal_of(swap(), big="h2", small="h1"))
EVERYTHING = NotifyPolicy()


def night(verdict: str, code: int = 0, *, at: datetime = MONDAY, done: int = 0) -> NightEnd:
    """A night that ended so."""
    result = NightlyResult(verdict=Verdict.DONE, plan=PLAN, folder=Path("plans/x"))
    error = "it failed" if code in {1, 3, 4, 5, 6, 8} else ""
    return NightEnd(
        policy="p.toml", began=at, ended=at, exit_code=code, verdict=verdict, result=result, done=done, error=error
    )


def after(*nights: NightEnd) -> EarlierNights:
    """What is remembered of *nights*."""
    found = EarlierNights()
    for each in nights:
        found = found.with_night(each)
    return found


def told(now: NightEnd, *before: NightEnd, wanted: NotifyPolicy = EVERYTHING) -> set[ToldOf]:
    """What is worth telling of a night after these."""
    return {occasion for occasion, _ in occasions_of(now, after(*before), wanted)}


@pytest.mark.parametrize(
    ("now", "occasions"),
    [
        (night("done", done=3), set()),
        (night("stopped_half_way", 5, done=1), {ToldOf.PEOPLE}),
        (night("unreachable", 1), {ToldOf.PEOPLE}),
        (night("infeasible", 3), {ToldOf.PEOPLE}),
        (night("stale_plan", 4), set()),
        (night("metrics_refused", 6), {ToldOf.METRICS}),
        (night("unapproved"), {ToldOf.APPROVAL}),
        (night("out_of_time", done=1), {ToldOf.WINDOW}),
        (night("out_of_time", done=len(PLAN.steps)), set()),
        (night("outside"), set()),
    ],
)
def test_what_a_first_night_is_worth_telling(now: NightEnd, occasions: set[ToldOf]) -> None:
    """Without a night before, no verdict has changed."""
    assert told(now) == occasions


def test_a_plan_that_limits_cut_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the words that name the limit."""
    monkeypatch.setattr(NightlyResult, "cut", property(lambda _self: "limits.maximum_moves = 1 cut the plan"))
    assert list(occasions_of(night("cut"), EarlierNights(), EVERYTHING)) == [
        (ToldOf.LIMITS, "limits.maximum_moves = 1 cut the plan")
    ]


def test_a_verdict_of_another_kind_is_a_change() -> None:
    """From one good night to the next nothing has changed; from a bad one to a good one it has."""
    assert told(night("nothing_to_do"), night("done")) == set()
    assert told(night("set_aside"), night("done")) == {ToldOf.VERDICT}
    assert told(night("set_aside"), night("set_aside")) == set()
    assert told(night("done"), night("stale_plan", 4)) == {ToldOf.VERDICT}


def test_every_third_failure_in_a_row_is_told() -> None:
    """A night that ends well begins anew."""
    failed, well = night("stale_plan", 4), night("done")
    counted = [ToldOf.REPEATED in told(failed, *([failed] * number)) for number in range(6)]
    assert counted == [False, False, True, False, False, True]
    assert ToldOf.REPEATED not in told(failed, failed, well, failed)
    assert ToldOf.REPEATED in told(failed, failed, wanted=NotifyPolicy(repeated_nights=2))


def test_the_policy_says_what_is_told() -> None:
    """What it does not name is not told."""
    wanted = NotifyPolicy(tell=(ToldOf.METRICS,))
    assert told(night("metrics_refused", 6), night("done"), wanted=wanted) == {ToldOf.METRICS}
    assert told(night("unreachable", 1), night("done"), wanted=wanted) == set()


def test_a_digest_is_due_once_a_week() -> None:
    """On the first night of its day in the zone of the policy, and on the next one where that night was not."""
    first = after(night("done", at=MONDAY + 2 * DAY))
    week = [MONDAY + number * DAY for number in range(3, 16)]
    due, kept = [], first
    for now in week:
        if digest_is_due(now, kept, EVERYTHING, "UTC"):
            due.append(now)
            kept = replace(kept, digest_at=now)
    assert due == [MONDAY + 7 * DAY, MONDAY + 14 * DAY]
    assert digest_is_due(MONDAY + 9 * DAY, first, EVERYTHING, "UTC")
    assert not digest_is_due(MONDAY + 7 * DAY, EarlierNights(), EVERYTHING, "UTC")
    assert not digest_is_due(MONDAY + 7 * DAY, first, NotifyPolicy(tell=(ToldOf.PEOPLE,)), "UTC")
    friday = NotifyPolicy(digest_day=Day.FRIDAY)
    assert [digest_is_due(now, first, friday, "UTC") for now in week[:2]] == [False, True]
    late = MONDAY + 6 * DAY + timedelta(hours=20, minutes=30)  # 23:30 on Sunday in UTC, Monday in Berlin
    assert [digest_is_due(late, first, EVERYTHING, zone) for zone in ("UTC", "Europe/Berlin")] == [False, True]


def test_a_digest_tells_the_nights_of_a_week() -> None:
    """With what they came to together."""
    nights = after(
        night("done", at=MONDAY, done=9),
        night("done", at=MONDAY + DAY, done=2),
        night("metrics_refused", 6, at=MONDAY + 2 * DAY),
    ).nights
    told_of = digest(nights, MONDAY + 7 * DAY, "Europe/Berlin").splitlines()
    assert told_of[0] == "2 nights, 2 steps carried out, 1 night failed"
    assert told_of[1].startswith("- 2026-03-03 04:00 Europe/Berlin: done (code 0), 2 steps carried out, ")
    assert told_of[2].startswith("- 2026-03-04 04:00 Europe/Berlin: metrics refused (code 6)")


def test_nights_are_remembered_by_policy_and_pool(tmp_path: Path) -> None:
    """No more of them than are of use; what cannot be read is nothing."""
    many = replace(after(*([night("done")] * (KEPT + 5))), digest_at=MONDAY)
    keep_nights(many, "p.toml", "https://a", tmp_path)
    assert earlier_nights("p.toml", "https://a", tmp_path) == many
    assert len(many.nights) == KEPT
    assert earlier_nights("p.toml", "https://b", tmp_path) == EarlierNights()
    (file,) = (tmp_path / "told").iterdir()
    file.write_text("{")
    assert earlier_nights("p.toml", "https://a", tmp_path) == EarlierNights()
