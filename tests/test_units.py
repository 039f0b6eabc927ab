"""Numbers as sentences say them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rebalancer.units import (
    counted,
    duration_in_words,
    interval_in_words,
    least_in_words,
    most_in_words,
    slot_in_words,
)

PACKAGE = Path(__file__).resolve().parents[1] / "rebalancer"
BARE = re.compile(
    r"\{len\([^{}]*\)\} (moves|steps|VMs|hosts|plans|migrations|guests|disks|points|folders|plan folders)\b"
)
"""A count and a plural that stands there whatever the count is."""
OF_MANY = {
    "cli/views/tradeoff.py",
    "cli/views/plans.py",
    "rules/core/ledger.py",
    "solve/result/check.py",
    "rules/disks/one_snapshot.py",
}
"""Files whose sentences are only said of several."""


def test_a_duration_is_said_in_the_unit_that_fits() -> None:
    """Seconds, minutes, hours, days: two of a unit are said in the next one."""
    said = [duration_in_words(seconds) for seconds in (40, 119, 120, 7199, 7200, 172_799, 172_800, 946_080_000)]
    assert said == ["40 s", "119 s", "2 min", "120 min", "2.0 h", "48.0 h", "2.0 days", "10950.0 days"]


@pytest.mark.parametrize("seconds", [0.2, 1.4, 46.5, 119.5, 120.2, 3599.9, 7300.1, 200_000.5])
def test_what_is_likely_is_within_its_interval(seconds: float) -> None:
    """Ends are rounded outwards: a latest time is never told too early."""
    number = {"s": 1, "min": 60, "h": 3600, "days": 86400}
    least, most = (words.split() for words in (least_in_words(seconds), most_in_words(seconds)))
    assert float(least[0]) * number[least[1]] <= seconds <= float(most[0]) * number[most[1]] + 1e-6
    assert interval_in_words(seconds, seconds, seconds).startswith(f"about {duration_in_words(seconds)} (")


def test_whole_figures_are_not_rounded_further() -> None:
    """12 minutes stay 12 minutes, whatever binary fractions make of the sum of tenths."""
    assert interval_in_words(7.999_999_999_9 * 60, 12 * 60, 24.000_000_000_1 * 60) == "about 12 min (8 to 24 min)"
    assert interval_in_words(0.4, 0.6, 1.2) == "about 1 s (0 to 2 s)"


def test_one_is_no_plural() -> None:
    """One, none and several; with a plural of its own, or a verb."""
    assert [counted(number, "host") for number in (0, 1, 2)] == ["0 hosts", "1 host", "2 hosts"]
    assert counted(1, "plan copies", "plans copy") == "1 plan copies"
    assert counted(2, "plan copies", "plans copy") == "2 plans copy"


def test_no_sentence_has_a_plural_of_its_own() -> None:
    """Whatever counts what may be one says it with `counted`."""
    bare = [
        f"{path.relative_to(PACKAGE)}: {found[0]}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if str(path.relative_to(PACKAGE)) not in OF_MANY
        for found in BARE.finditer(path.read_text(encoding="utf-8"))
    ]
    assert bare == []


def test_a_week_names_the_day() -> None:
    """With 168 slots an hour alone would say nothing."""
    assert slot_in_words(38, 168) == "Tue 14:00"
    assert slot_in_words(14, 24) == "14:00"
