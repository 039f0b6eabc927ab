"""A pool that asks a server that says what it is told to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.simulator.balancing.stub import Stub, envelope, stub

# The stock client answers with whatever the method answers.
Proxy = Any


@pytest.fixture
def server() -> Iterator[Stub]:
    """A server that takes the pool."""
    with stub() as running:
        running.says = envelope("AddXenServer", "<Id>1</Id>")
        yield running


@pytest.fixture
def pool(xapi: Proxy, server: Stub) -> Proxy:
    """The small pool, connected."""
    xapi.pool.initialize_wlb(server.url, "wlbuser", "wlbpass", "root", "xs&pass<1>")
    (ref,) = xapi.pool.get_all()
    xapi.pool.set_wlb_enabled(ref, True)
    return xapi
