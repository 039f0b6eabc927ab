"""What plans say where the load profile is not what the policy asks for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from rebalancer.demand import Series
from rebalancer.describe.demand import demand_warnings
from rebalancer.problem import Problem, make_problem
from tests.solve.tiny import tiny


def problem_of(hours: int | None, **demand: Any) -> Problem:  # noqa: ANN401 - keys of the section
    """A pool with so many hours of metrics, or with slots alone, under such a policy."""
    bare = tiny({"a": ("h1", 1.0), "b": ("h2", 1.0)}, load={}, demand=demand)
    assert bare.demand is not None
    if hours is None:
        return bare
    series = Series(vm_pcpu=np.full((2, hours), 0.5), host_base_pcpu=np.zeros((3, hours)))
    start = bare.demand.window_end - timedelta(hours=hours)
    return make_problem(bare.pool, replace(bare.demand, series=series, window_start=start), bare.policy)


@pytest.mark.parametrize(
    ("hours", "demand", "words"),
    [
        (168, {}, ""),
        (None, {}, ""),
        (168, {"form": "days"}, ""),
        (None, {"form": "days"}, "holds percentiles and no recorded days"),
        (72, {"form": "days"}, "the policy looks back 7 days; 3 days of them are known well enough to count"),
        (24, {"form": "days"}, "the policy looks back 7 days; 1 day of them is known well enough to count"),
        (336, {"form": "days", "same_weekday": True, "window_days": 14}, ""),
        (
            168,
            {"form": "days", "same_weekday": True, "window_days": 14},
            "fewer than two known days begin",
        ),
        (
            336,
            {"form": "days", "same_weekday": True, "window_days": 28},
            "looks back 28 days; 2 days of them",
        ),
        (168, {"slots": 168}, "each of the 168 slots is one hour, and no percentile"),
        (336, {"slots": 168, "window_days": 14}, ""),
    ],
)
def test_a_form_that_is_not_had_is_told(hours: int | None, demand: dict[str, Any], words: str) -> None:
    """Days that are not there, and percentiles of nothing; no word where all is as the policy asks."""
    told = " ".join(demand_warnings(problem_of(hours, **demand)))
    assert words in told
    assert bool(told) == bool(words)
