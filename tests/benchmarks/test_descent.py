"""Planning by single moves: each earns what it costs, in whatever form demand is."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from benchmarks.descent import Descent
from rebalancer.whatif.replay import replay
from tests.pools import make_pool, make_vm, policy_of
from tests.whatif.replay.recorded import recording_of

BUSY = {name: [8.0] * 3 for name in ("a", "b")}
"""Both on the first of two hosts of 16 pCPUs: 4 pCPUs above 75 % of it in all hours, 96 pCPU-hours a day."""


def moves(form: str, *, objective: Mapping[str, object], limits: Mapping[str, object]) -> int:
    """How many of two VMs of 4 GiB move in the night after two such days."""
    pool = make_pool(vms=[make_vm(name, gib=4, vcpus_max=8, vcpus_at_startup=8) for name in BUSY])
    wishes = {"demand": {"form": form, "window_days": 2}, "objective": {"levels": [], **objective}, "limits": limits}
    planner = Descent(name="descent", policy=policy_of(**wishes))
    (night,) = replay(pool, recording_of(pool, BUSY), [planner], days_back=2, regret=False).nights
    return len(night.moved)


@pytest.mark.parametrize("form", ["percentile", "days"])
@pytest.mark.parametrize(
    ("per_gib", "per_move", "expected"), [(23.0, 0.0, 1), (25.0, 0.0, 0), (20.0, 15.0, 1), (20.0, 17.0, 0)]
)
def test_a_move_earns_what_it_costs(form: str, per_gib: float, per_move: float, expected: int) -> None:
    """One of them is worth 96 pCPU-hours a day, for 4 GiB and a move."""
    objective = {"pcpu_hours_per_gib": per_gib, "pcpu_hours_per_move": per_move}
    assert moves(form, objective=objective, limits={}) == expected


@pytest.mark.parametrize(("minimum", "expected"), [(95.0, 1), (96.5, 0)])
def test_all_together_gain_enough(minimum: float, expected: int) -> None:
    """96 pCPU-hours, less a hundredth for each of 4 GiB."""
    limits = {"minimum_gain_pcpu_hours": minimum}
    assert moves("days", objective={"pcpu_hours_per_gib": 0.01}, limits=limits) == expected
