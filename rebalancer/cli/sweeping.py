"""Where scenarios are worked on: processes of this machine, or a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from rebalancer.workers import OnDask


@contextmanager
def cluster_of(scheduler: str | None) -> Iterator[Executor | None]:
    """The Dask cluster with this *scheduler* for the length of a block; None where none is named.

    Raises:
        ConnectionSettingsError: nothing answers there, or the extra is not installed.
    """
    if scheduler is None:
        yield None
        return
    executor = OnDask(scheduler)
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)
