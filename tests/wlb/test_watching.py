"""A view that is too old is not answered from, and whoever asks for health hears of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx

import rebalancer as rb
from rebalancer.wlb.watching import STALE_AFTER, Helpers, Source, Watch
from tests.wlb.conftest import Running
from tests.wlb.views import NOW, view_of

SOURCE = Source(
    uuid="p",
    url="http://127.0.0.1:1",
    connection=rb.Connection(credentials=rb.Credentials(user="u", password="p")),
    policy=rb.Policy(),
)


def test_old_views_are_not_answered_from() -> None:
    """Up to ten minutes are fresh."""
    now = [NOW + STALE_AFTER]
    with ThreadPoolExecutor(1) as planners:
        watch = Watch(SOURCE, Helpers(planners=planners, now=lambda: now[0]))
        assert watch.view is None
        watch._view = view_of(0)
        assert watch.view is not None
        now[0] += timedelta(seconds=1)
        assert watch.view is None
        assert watch.seen_at == NOW


def test_a_pool_that_was_not_seen_is_told(server: Running) -> None:
    """503 in a word, for whoever watches the server."""
    with ThreadPoolExecutor(1) as planners:
        server.service._watches["p"] = Watch(SOURCE, Helpers(planners=planners))
        try:
            answer = httpx.get(f"http://{server.url}/healthz")
        finally:
            del server.service._watches["p"]
    assert (answer.status_code, answer.text) == (503, "stale\n")
