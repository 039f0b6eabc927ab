"""One profile in another form: the same as if it had been measured for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rebalancer.demand import in_form
from rebalancer.policy import DemandPolicy
from tests.demand.measured import profile, row

FORMS: list[dict[str, Any]] = [
    {},
    {"percentile": 50.0, "timezone": "Asia/Tokyo"},
    {"slots": 168},
    {"robust": True, "percentile": 80.0},
    {"form": "days"},
    {"form": "days", "half_life_days": 2.0},
    {"form": "days", "window_days": 3},
]
NIGHTS = np.random.default_rng(5).integers(0, 20_000, 168) / 10_000
"""Two pCPUs at most, as many as VMs have vCPUs."""


def gappy() -> dict[str, list[float]]:
    """A VM with gaps, a young one, and one of which hardly anything is known."""
    gaps, young, unknown = NIGHTS.copy(), NIGHTS.copy(), NIGHTS.copy()
    gaps[[3, 40, 41, 100]] = np.nan
    young[:60] = np.nan
    unknown[2:166] = np.nan
    return {"a": gaps.tolist(), "b": young.tolist(), "c": unknown.tolist()}


@pytest.mark.parametrize("asked", FORMS)
@pytest.mark.parametrize("read", FORMS[:-1])
def test_any_form_is_made_of_the_hours(read: dict[str, Any], asked: dict[str, Any]) -> None:
    """Whatever the pool was read for, a policy that asks for something else gets what it would have read."""
    kept = profile(gappy(), settings=DemandPolicy.model_validate(read))
    settings = DemandPolicy.model_validate(asked)
    found, expected = in_form(kept, settings), profile(gappy(), settings=settings)
    known = np.array([vm != "c" for vm in found.vms])
    assert np.array_equal(found.vm_pcpu[known], expected.vm_pcpu[known])
    assert np.array_equal(found.host_base_pcpu, expected.host_base_pcpu)
    assert (found.days, found.percentile, found.timezone) == (expected.days, expected.percentile, expected.timezone)
    assert set(row(found, "c").tolist()) == {np.nanmax(gappy()["c"])}
    if expected.vm_deviation_pcpu is not None:
        assert found.vm_deviation_pcpu is not None
        assert np.array_equal(found.vm_deviation_pcpu[known], expected.vm_deviation_pcpu[known])


def test_a_profile_without_hours_stays_as_it_is() -> None:
    """Nothing can be made of it that it does not hold."""
    kept = replace(profile(gappy()), series=None)
    assert in_form(kept, DemandPolicy.model_validate({"form": "days"})) is kept


def test_one_odd_night_of_seven_counts_nothing() -> None:
    """The 95th percentile of seven nights is the second highest, the 100th the highest: ranks, no mean of the two."""
    nights = np.full((7, 24), 0.1)
    nights[2, 3] = 1.0
    hours = {"a": nights.ravel().tolist()}
    assert set(row(profile(hours), "a").tolist()) == {0.1}
    assert row(profile(hours, settings=DemandPolicy(percentile=100)), "a")[3] == 1.0
