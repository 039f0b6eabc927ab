"""Plans that say the same in the words of an earlier version verify as before."""

from __future__ import annotations

import pytest

from rebalancer.plan.reason_kinds import OTHER, kind_of
from rebalancer.verify.compare import differences
from rebalancer.verify.older_words import in_words_of_today
from rebalancer.verify.tolerance import as_told

OLDER = {
    "takes it away from b: VMs of group 'g' on one host: 2 of at most 1 [keep-apart]": (
        "separates it from b: VMs of group 'g' on one host: 2 (limit 1) [keep-apart]"
    ),
    "takes it off h1: VMs on one host: 3 of at most 2 [vms-per-host]": (
        "moves it off h1: VMs on one host: 3 (limit 2) [vms-per-host]"
    ),
    "leaves nobody on h1": "leaves h1 empty",
    "space of SR 'l2' for disks: 80.0 GiB of at most 60.0 GiB; on h1: a": (
        "space of SR 'l2' for disks: 80.0 GiB (limit 60.0 GiB); on h1: a"
    ),
}


@pytest.mark.parametrize(("older", "today"), OLDER.items())
def test_older_words_say_the_same(older: str, today: str) -> None:
    """They are kept where they are right, and counted with those of today."""
    assert in_words_of_today(older) == today
    assert in_words_of_today(today) == today
    assert as_told(older, today) == older
    assert list(differences(older, today, "why")) == []


@pytest.mark.parametrize(("older", "today"), OLDER.items())
def test_older_words_of_something_else_are_found(older: str, today: str) -> None:
    """Another VM, host or figure is another claim, in whatever words."""
    other = today.replace("b:", "c:").replace("h1", "h2").replace("(limit 60", "(limit 70")
    assert as_told(older, other) == other
    assert [path for path, _ in differences(older, other, "why")] == ["why"]


def test_older_reasons_are_counted_with_those_of_today() -> None:
    """By what they are for."""
    kinds = {older: (kind_of(older), kind_of(today)) for older, today in OLDER.items() if "space" not in older}
    assert all(one == other != OTHER for one, other in kinds.values())
