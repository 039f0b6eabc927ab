"""What people see while the solver works."""

from __future__ import annotations

import pytest

from rebalancer.cli.watching.progress import watch_night, watch_solve
from rebalancer.solve import SolveReporter


def test_every_ear_is_one_that_the_solver_speaks_to() -> None:
    """Whatever the watcher listens for is a call of the reporter, by its name."""
    with watch_solve() as watcher:
        heard = [name for name in vars(type(watcher)) if not name.startswith("_")]
        assert heard
        assert all(hasattr(SolveReporter, name) for name in heard)


def test_value_bound_and_gap_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal shows how good the best answer is and how much better another could be."""
    said: list[str] = []
    monkeypatch.setattr("rich.status.Status.update", lambda _status, words: said.append(str(words)))
    with watch_solve() as watcher:
        watcher.tier_started("balance", "pCPU-hours", 20.0)
        watcher.progress("balance", 4.0, 3.0)
    assert said == [
        "solving: balance is 20.000 pCPU-hours",
        "solving: balance 4.000, no answer is below 3.000 pCPU-hours (gap 25.0%)",
    ]


def test_a_night_has_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Solver and run tell one after the other in the same place: no line of the solver spins on during the run."""
    begun: list[str] = []
    monkeypatch.setattr("rich.status.Status.start", lambda status: begun.append(str(status.status)))
    with watch_night() as (solving, running):
        solving.progress("balance", 4.0, 3.0)
        running.stopping("the window closes")
    assert begun == ["looking at the pool"]
