"""A Dask cluster as an executor."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar

from rebalancer.errors import ConnectionSettingsError

Answer = TypeVar("Answer")
WAITING: Final = 256
"""Answers that are waited for at once, at most; Dask has all calls at once."""


class OnClient(Executor):
    """The workers of the cluster that a *client* of Dask knows; the client stays open.

    Its own executor fails with a TypeError where a worker dies that held an answer (distributed 2026.8): a future of
    Dask that is asked for its result has the work done again elsewhere.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - distributed has no types
        self._client = client
        self._waiting = ThreadPoolExecutor(WAITING, thread_name_prefix="waiting")

    def submit(self, call: Callable[..., Answer], /, *args: Any, **kwargs: Any) -> Future[Answer]:  # noqa: ANN401
        """Run *call* on some worker."""
        running = self._client.submit(partial(call, *args, **kwargs), pure=False)
        return self._waiting.submit(running.result)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - its base's
        """Begin nothing more."""
        self._waiting.shutdown(wait, cancel_futures=cancel_futures)


class OnDask(OnClient):
    """The workers of the Dask cluster whose *scheduler* is at that address.

    Raises:
        ConnectionSettingsError: distributed is not installed, or nothing answers there.
    """

    def __init__(self, scheduler: str) -> None:
        try:
            import distributed  # noqa: PLC0415 - an extra, and slow to load
        except ImportError as error:
            remedy = "Install xapi-rebalancer[dask]"
            raise ConnectionSettingsError("--dask", "the extra 'dask' is not installed", remedy) from error
        untyped: Any = distributed
        try:
            client = untyped.Client(scheduler, timeout=10, set_as_default=False)
        except (OSError, ValueError) as error:
            problem = f"no scheduler answers there ({type(error).__name__})"
            raise ConnectionSettingsError(f"--dask {scheduler}", problem, "Name one as tcp://HOST:8786") from error
        super().__init__(client)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - its base's
        """Leave the cluster; what is not done there by then is dropped where futures are cancelled."""
        super().shutdown(wait=wait and not cancel_futures, cancel_futures=cancel_futures)
        self._client.close()


def steady(executor: Executor) -> Executor:
    """*executor*; where it is the one of a client of Dask, one that bears the loss of workers."""
    distributed: Any = sys.modules.get("distributed")
    if distributed is None or not isinstance(executor, distributed.cfexecutor.ClientExecutor):
        return executor
    of_dask: Any = executor
    return OnClient(of_dask._client)  # noqa: SLF001 - nothing else tells whose it is


def lost_on_dask() -> tuple[type[Exception], ...]:
    """What a cluster raises where workers died once too often; nothing where none was ever used here."""
    distributed: Any = sys.modules.get("distributed")
    return () if distributed is None else (distributed.KilledWorker,)
