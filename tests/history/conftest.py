"""A history in a file, and with `make slow` one on a PostgreSQL server, too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rebalancer.history.place import HistoryPlace
from rebalancer.history.store import Store
from tests.history.postgres import Server, programs, serving


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server."""
    if programs() is None:
        pytest.skip("there is no PostgreSQL server: initdb is not found")
    with serving() as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> HistoryPlace:
    """Where nothing is kept yet, with a state folder of its own."""
    url = request.getfixturevalue("server").database() if request.param == "postgresql" else None
    return HistoryPlace(state_dir=tmp_path / "state", url=url)


@pytest.fixture
def store(place: HistoryPlace) -> Iterator[Store]:
    """A history without anything in it."""
    with Store.of(place) as opened:
        yield opened
