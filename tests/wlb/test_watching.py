"""A view that is too old is not answered from, and whoever asks for health hears of it."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest

import rebalancer as rb
from rebalancer.errors import WorkerLost
from rebalancer.wlb.watching import STALE_AFTER, Helpers, PoolWatch, Source
from tests.pools import policy_of
from tests.wlb.conftest import Running
from tests.wlb.views import NOW, view_of

SOURCE = Source(
    uuid="p",
    url="http://127.0.0.1:1",
    connection=rb.Connection(credentials=rb.Credentials(user="u", password="p")),
    policy=policy_of(),
)


def test_old_views_are_not_answered_from() -> None:
    """Up to ten minutes are fresh."""
    now = [NOW + STALE_AFTER]
    with ThreadPoolExecutor(1) as planners:
        watch = PoolWatch(SOURCE, Helpers(planners=planners, now=lambda: now[0]))
        assert watch.view is None
        watch._view = view_of(0)
        assert watch.view is not None
        now[0] += timedelta(seconds=1)
        assert watch.view is None
        assert watch.seen_at == NOW


def test_a_pool_that_was_not_seen_is_told(server: Running) -> None:
    """503 in a word, for whoever watches the server."""
    with ThreadPoolExecutor(1) as planners:
        server.service._watches["p"] = PoolWatch(SOURCE, Helpers(planners=planners))
        try:
            answer = httpx.get(f"http://{server.url}/healthz")
        finally:
            del server.service._watches["p"]
    assert (answer.status_code, answer.text) == (503, "stale\n")


class Planners(Executor):
    """Gives the future of each plan to the test, which decides how it ends."""

    def __init__(self) -> None:
        self.futures: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()

    def submit(self, *_args: object, **_kwargs: object) -> Future[Any]:
        """Nothing is run."""
        future: Future[Any] = Future()
        self.futures.put(future)
        return future


@pytest.mark.parametrize("stopped", [False, True])
def test_only_planners_that_nobody_stopped_are_trouble(stopped: bool) -> None:
    """One that ends by itself is told; one that ends because the server does is not."""
    planners, told = Planners(), queue.SimpleQueue[str]()
    watch = PoolWatch(SOURCE, Helpers(planners=planners, told=told.put))
    watch._view = view_of(0)
    watch._to_plan.set()
    planning = threading.Thread(target=watch._watch_plans)
    planning.start()
    future = planners.futures.get()
    if stopped:
        watch.stop()
    future.set_exception(WorkerLost("planning", "it ended", "Look why"))
    heard = "" if stopped else told.get()
    watch.stop()
    planning.join()
    assert ("it ended" in heard, told.empty()) == (not stopped, True)
