"""What of a night is worth telling."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from rebalancer.nightly.ending import NightEnd
from rebalancer.nightly.notify.earlier import EarlierNight, EarlierNights
from rebalancer.nightly.result import Verdict
from rebalancer.policy import Day, NotifyPolicy, ToldOf
from rebalancer.units import counted, moment_in_words

WELL: Final = frozenset(each.name.lower() for each in (Verdict.NOTHING_TO_DO, Verdict.PLANNED, Verdict.DONE))
"""Verdicts of one kind: from one of them to another, nothing has changed that anybody needs to hear."""
PEOPLE: Final = frozenset({1, 3, 5, 8})
"""Exit codes of nights that do not put themselves right."""
WEEK: Final = timedelta(days=7)


def occasions_of(night: NightEnd, before: EarlierNights, wanted: NotifyPolicy) -> Iterator[tuple[ToldOf, str]]:
    """What of *night* is worth telling under *wanted*, each in words; the weekly digest aside."""
    told = ((occasion, words) for occasion, words in _all_of(night, before, wanted) if words)
    return ((occasion, words) for occasion, words in told if occasion in wanted.tell)


def _all_of(night: NightEnd, before: EarlierNights, wanted: NotifyPolicy) -> Iterator[tuple[ToldOf, str]]:
    result, verdict = night.result, night.verdict.replace("_", " ")
    if night.exit_code in PEOPLE:
        yield ToldOf.PEOPLE, "people have to look"
    if night.exit_code == 6 or (result and result.refused):  # noqa: PLR2004 - documented
        yield ToldOf.METRICS, "the metrics were refused"
    row = before.failures_in_a_row + 1 if night.failed else 0
    if row and row % wanted.repeated_nights == 0:
        yield ToldOf.REPEATED, f"{row} nights in a row failed"
    if before.nights and _kind(before.nights[-1].verdict) != _kind(night.verdict):
        yield (
            ToldOf.VERDICT,
            f"the verdict is {verdict!r}, after {before.nights[-1].verdict.replace('_', ' ')!r}",
        )
    if night.ended_as(Verdict.OUT_OF_TIME) and night.left:
        yield ToldOf.WINDOW, f"the window closed with {counted(night.left, 'step')} left"
    if night.ended_as(Verdict.UNAPPROVED):
        yield ToldOf.APPROVAL, "the plan waits to be approved"
    if result and result.cut:
        yield ToldOf.LIMITS, result.cut


def _kind(verdict: str) -> str:
    return "well" if verdict in WELL else verdict


def digest_is_due(now: datetime, before: EarlierNights, wanted: NotifyPolicy, timezone: str) -> bool:
    """Whether a digest is to be told *now*: the day for it has come since the last one, and nights are to be told of.

    The first digest waits for the first such day after the first night.
    """
    if ToldOf.WEEKLY not in wanted.tell or not before.nights:
        return False
    zone = ZoneInfo(timezone)
    last = (before.digest_at or before.nights[0].ended).astimezone(zone).date()
    return last < _last_day(now.astimezone(zone).date(), wanted.digest_day)


def _last_day(today: date, day: Day) -> date:
    """The last *day* of the week that is *today* or before."""
    return today - timedelta(days=(today.weekday() - tuple(Day).index(day)) % 7)


def digest(nights: Sequence[EarlierNight], now: datetime, timezone: str) -> str:
    """What the nights of the week before *now* came to, a line each, with their sum first."""
    week = [each for each in nights if now - WEEK < each.ended <= now]
    failed = sum(each.failed for each in week)
    moved = counted(sum(each.moved for each in week), "step")
    head = f"{counted(len(week), 'night')}, {moved} carried out, {counted(failed, 'night')} failed"
    return "\n".join([head, *(_line(each, timezone) for each in week)])


def _line(night: EarlierNight, timezone: str) -> str:
    steps = f", {counted(night.moved, 'step')} carried out, {night.left} left" if night.moved or night.left else ""
    verdict = night.verdict.replace("_", " ")
    return f"- {moment_in_words(night.ended, timezone)}: {verdict} (code {night.exit_code}){steps}"
