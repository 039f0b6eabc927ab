"""What the tests of every room share."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent

# A plain run tries the same examples every time, so that a red test is red for everybody.
settings.register_profile("quick", deadline=None, derandomize=True, max_examples=50)
settings.register_profile("thorough", deadline=None, max_examples=500)
settings.load_profile("quick")


def shared_folder() -> Path:
    """Where the recorded pools, RRDs and traces are: REBALANCER_SHARED_DATA, or ../shared/data beside the checkout."""
    return Path(os.environ.get("REBALANCER_SHARED_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """A function from a name below the shared data folder to its path; it skips the test where that is absent."""

    def find(name: str) -> Path:
        path = shared_folder() / name
        if not path.exists():
            pytest.skip(f"shared data {name!r} is absent; set REBALANCER_SHARED_DATA to the folder that holds it")
        return path

    return find


@pytest.fixture(autouse=True)
def no_ceiling(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is, searches end by their work: no test rests on the clock."""
    monkeypatch.setattr("rebalancer.solve.model.effort.CEILING", 1000.0)


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pool that is silent or not ready is asked as often as ever, without the pauses in between."""
    monkeypatch.setattr("rebalancer.xapi.patience.time", SimpleNamespace(sleep=lambda _: None))
