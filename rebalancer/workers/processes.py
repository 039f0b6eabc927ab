"""Executors of processes: a new one for each call, or some that answer one call after another.

Processes start fresh, and never run the script again from which they are started: what they are given are functions and
values of packages.
"""

from __future__ import annotations

import multiprocessing
import queue
import signal
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from types import ModuleType
from typing import Any, Final, TypeVar

from rebalancer.errors import RebalancerError, WorkerLost

Answer = TypeVar("Answer")
PARENTS: Final = (signal.SIGINT, signal.SIGHUP)
"""Signals that a terminal sends to a command with all its processes; the command decides."""
_STARTING: Final = threading.Lock()


class Worker:
    """A process that answers one call after another, until it is `lost`."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")  # threads run here: a fork would copy their locks
        self.lost = False
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_answer_all, args=(theirs,), daemon=True)
        with _STARTING, _deaf(), _without_script():
            self._process.start()
        theirs.close()

    def answer(self, call: Callable[..., Answer], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Answer:
        """What *call* returns there.

        Raises:
            RebalancerError: *call* raised it.
            WorkerLost: the process ended without an answer.
        """
        try:
            self._ours.send((call, args, kwargs))
            good, answer = self._ours.recv()
        except (EOFError, ConnectionError):
            self.lost = True
            self._process.join()
            words = f"the process that planned ended with code {self._process.exitcode}"
            raise WorkerLost("planning", words, "Look at the system's log; memory may have run out") from None
        if good:
            found: Answer = answer
            return found
        raise answer

    def end(self) -> None:
        """Wait until it is gone, which has nothing more to do."""
        self._ours.close()
        self._process.join()

    def kill(self) -> None:
        """End it, whatever it does."""
        self._process.terminate()


class _Processes(Executor, ABC):
    """Runs each call in a process, so that one that dies takes no other along.

    Args:
        at_once: how many run at once.
    """

    def __init__(self, at_once: int) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="planning")
        self._running: set[Worker] = set()
        self._lock, self._closed = threading.Lock(), False

    def submit(self, call: Callable[..., Answer], /, *args: Any, **kwargs: Any) -> Future[Answer]:  # noqa: ANN401
        """Run *call*, which can be pickled, with what it is given."""
        return self._threads.submit(self._in_process, call, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - its base's
        """Begin nothing more; what runs is ended at once where futures are cancelled."""
        if cancel_futures:
            with self._lock:
                self._closed = True
                for worker in self._running:
                    worker.kill()
        self._threads.shutdown(wait, cancel_futures=cancel_futures)

    @abstractmethod
    def _in_process(self, call: Callable[..., Answer], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Answer:
        """What *call* returns in some process."""

    def _started(self) -> Worker:
        """A new process.

        Raises:
            CancelledError: nothing more is to begin.
        """
        with self._lock:
            if self._closed:
                raise CancelledError
            worker = Worker()
            self._running.add(worker)
            return worker

    def _ended(self, worker: Worker) -> None:
        worker.end()
        with self._lock:
            self._running.discard(worker)


class ProcessEach(_Processes):
    """Runs each call in a process of its own, so that one that dies takes no other along.

    Args:
        at_once: how many run at once.
    """

    def _in_process(self, call: Callable[..., Answer], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Answer:
        worker = self._started()
        try:
            return worker.answer(call, args, kwargs)
        finally:
            self._ended(worker)


class KeptProcesses(_Processes):
    """Runs calls in processes that are kept for the next call, for many short ones; one that dies is replaced.

    Args:
        at_once: how many there are.
    """

    def __init__(self, at_once: int) -> None:
        super().__init__(at_once)
        self._idle: queue.SimpleQueue[Worker] = queue.SimpleQueue()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - its base's
        """Begin nothing more; what runs is ended at once where futures are cancelled."""
        super().shutdown(wait, cancel_futures=cancel_futures)
        while not self._idle.empty():
            self._ended(self._idle.get())

    def _in_process(self, call: Callable[..., Answer], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Answer:
        try:
            worker = self._idle.get_nowait()
        except queue.Empty:
            worker = self._started()
        try:
            return worker.answer(call, args, kwargs)
        finally:
            if worker.lost:
                self._ended(worker)
            else:
                self._idle.put(worker)


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes that start meanwhile never hear signals that are the parent's, not even while they load."""
    resource_tracker.ensure_running()  # starting it would let them through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, PARENTS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _without_script() -> Iterator[None]:
    """Processes that start meanwhile do not load the script that runs here, which may do more than define things."""
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


def _answer_all(back: Connection) -> None:
    """Send *back*, call by call, whether it returned, and what it returned or raised."""
    with suppress(EOFError, ConnectionError):
        while True:
            call, args, kwargs = back.recv()
            back.send(_told(call, args, kwargs))


def _told(call: Callable[..., object], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[bool, object]:
    try:
        return True, call(*args, **kwargs)
    except RebalancerError as error:
        return False, error
