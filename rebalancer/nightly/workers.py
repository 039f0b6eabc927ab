"""Executors that plan: a process for each plan on this machine, or a Dask cluster. They are given values alone."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, Final, TypeVar

import rebalancer as rb
from rebalancer.errors import ConnectionSettingsError, IllegalPlan, RebalancerError, WorkerLost
from rebalancer.face.plans import rebalance_prepared
from rebalancer.face.task import prepared
from rebalancer.nightly.run import Planner
from rebalancer.solve import SolveReporter

Answer = TypeVar("Answer")
PARENTS: Final = (signal.SIGINT, signal.SIGHUP)
"""Signals that a terminal sends to a command with all its processes; the command decides."""


class ProcessEach(Executor):
    """Runs each call in a process of its own, so that one that dies takes no other along.

    Args:
        at_once: how many run at once.
    """

    def __init__(self, at_once: int) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="planning")
        self._running: set[SpawnProcess] = set()
        self._lock, self._closed = threading.Lock(), False

    def submit(self, call: Callable[..., Answer], /, *args: Any, **kwargs: Any) -> Future[Answer]:  # noqa: ANN401
        """Run *call*, which can be pickled, with what it is given."""
        return self._threads.submit(self._in_process, call, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - its base's
        """Begin nothing more; what runs is ended at once where futures are cancelled."""
        if cancel_futures:
            with self._lock:
                self._closed = True
                for process in self._running:
                    process.terminate()
        self._threads.shutdown(wait, cancel_futures=cancel_futures)

    def _in_process(self, call: Callable[..., Answer], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Answer:
        context = multiprocessing.get_context("spawn")  # threads run here: a fork would copy their locks
        ours, theirs = context.Pipe()
        process = context.Process(target=_answer, args=(theirs, call, args, kwargs), daemon=True)
        with self._lock, _deaf():
            if self._closed:
                raise CancelledError
            process.start()
            self._running.add(process)
        theirs.close()
        try:
            good, answer = ours.recv()
        except EOFError:
            process.join()
            words = f"the process that planned ended with code {process.exitcode}"
            raise WorkerLost("planning", words, "Look at the system's log; memory may have run out") from None
        finally:
            process.join()
            with self._lock:
                self._running.discard(process)
        if good:
            found: Answer = answer
            return found
        raise answer


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes that start meanwhile never hear signals that are the parent's, not even while they load."""
    resource_tracker.ensure_running()  # starting it would let them through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, PARENTS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _answer(back: Connection, call: Callable[..., object], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Send *back* whether *call* returned, and what it returned or raised."""
    try:
        told: tuple[bool, object] = (True, call(*args, **kwargs))
    except RebalancerError as error:
        told = (False, error)
    with suppress(BrokenPipeError):
        back.send(told)


class OnDask(Executor):
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
            self._client = untyped.Client(scheduler, timeout=10, set_as_default=False)
        except (OSError, ValueError) as error:
            problem = f"no scheduler answers there ({type(error).__name__})"
            raise ConnectionSettingsError(f"--dask {scheduler}", problem, "Name one as tcp://HOST:8786") from error
        self._executor = self._client.get_executor(pure=False)

    def submit(self, call: Callable[..., Answer], /, *args: Any, **kwargs: Any) -> Future[Answer]:  # noqa: ANN401
        """Run *call* on some worker."""
        found: Future[Answer] = self._executor.submit(call, *args, **kwargs)
        return found

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - its base's
        """Leave the cluster; what is not done there by then is dropped where futures are cancelled."""
        self._executor.shutdown(wait=wait and not cancel_futures)
        self._client.close()


def planner_on(executor: Executor) -> Planner:
    """Plans on *executor*. What comes back is proven here, as if a stranger had made it."""

    def planned(model: rb.Model, made_at: datetime, _reporter: SolveReporter, within: float) -> rb.Proposal:
        given = prepared(model, made_at)
        try:
            plan = executor.submit(rebalance_prepared, given, within).result()
        except RebalancerError:
            raise
        except Exception as error:  # a cluster raises errors of its own where workers die
            problem = f"the worker that planned was lost ({type(error).__name__}: {error})"
            raise WorkerLost("planning", problem, "Look at the workers of the cluster") from error
        if findings := rb.verify(plan, model.state, now=made_at):
            raise IllegalPlan([str(each) for each in findings])
        return plan

    return planned
