"""Reported: nights that were lost because planner and checker did not agree on a plan."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import rebalancer as rb
from tests.pools import policy_of

SHARED = Callable[[str], Path]


def test_a_pace_of_odd_seconds(shared_data: SHARED, tmp_path: Path) -> None:
    """Case 013: one `apply` taught the pace; steps that end in the same tenth of a second let the next begin alike."""
    case = shared_data("cases/reports/013-learned-pace-internal-disagreement")
    shutil.copytree(case / "state", tmp_path / "state")
    state = rb.read(case / "snapshot.json.gz")
    plan = rb.rebalance(rb.Model(state, policy_of(), state_dir=tmp_path / "state"))
    assert len(plan.steps) == 9
    assert plan.made_from.pace.steps
    assert not rb.verify(plan, state)


@pytest.mark.parametrize("seconds", [0.01, 2.0])
def test_an_ordinary_night(shared_data: SHARED, tmp_path: Path, seconds: float) -> None:
    """A pool of 16 hosts and 250 VMs at the default policy: whatever is found in time is a plan."""
    state = rb.read(shared_data("cases/search/16x250-schedule-disagreement.json.gz"))
    plan = rb.rebalance(rb.Model(state, state_dir=tmp_path), seconds=seconds)
    assert not rb.verify(plan, state)
