"""What is left of bounds where a plan ends before the placement that they were proven for."""

from __future__ import annotations

import pytest

from rebalancer.describe.worth import tiers_at
from rebalancer.rules import Rulebook
from rebalancer.tier import HeldTo, TierResult
from tests.solve.tiny import tiny

LOAD = {"a": (8.0,) * 4, "b": (8.0,) * 4}


@pytest.mark.parametrize(("most", "kept"), [(1000.0, True), (0.0, False)])
def test_a_bound_is_told_only_where_the_end_keeps_its_condition(most: float, *, kept: bool) -> None:
    """Both VMs stay on one host of 16 pCPUs: its overload is some, so that a bound held to none says nothing."""
    book = Rulebook.of(tiny({"a": ("h1", 2.0), "b": ("h1", 2.0)}, load=LOAD))
    held = (HeldTo(objective="overload", unit="pCPU-hours", most=most),)
    spread = TierResult(
        objective="spread", sentence="s", unit="pCPU-hours", before=9.0, after=3.0, bound=3.0, proved=True, held=held
    )
    (found,) = tiers_at(book.problem.initial, (spread,), book)
    assert (found.held, found.bound > 0) == ((held, True) if kept else ((), False))
    assert not found.proved
