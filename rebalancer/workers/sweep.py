"""Many calls side by side: answers in the order of the calls, whoever runs them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from rebalancer.errors import InputError, WorkerLost
from rebalancer.workers.bar import bar_of
from rebalancer.workers.cluster import lost_on_dask, steady
from rebalancer.workers.processes import KeptProcesses

Answer = TypeVar("Answer")
RETRIES: Final = 2
"""How often a call is made again whose worker was lost."""
FEW: Final = 4
"""Calls for which no process is started: it would take as long to load as they do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """How many calls are made.

    Args:
        executor: runs them; by default processes of this machine do, or this one where one is enough.
        workers: how many such processes; by default as many as there are CPUs for this one, with `FEW` calls or more
            for each.
        progress: whether a bar shows how many are done; by default on a terminal or in a notebook.

    Raises:
        InputError: no workers at all, or an executor that is none.
    """

    executor: Executor | None = None
    workers: int | None = None
    progress: bool | None = None

    def __post_init__(self) -> None:
        workers: object = self.workers
        if workers is not None and not (isinstance(workers, int) and workers >= 1):
            raise InputError("workers", f"{self.workers} are too few", "Give a whole number, 1 or more")
        if self.executor is not None and not hasattr(self.executor, "submit"):
            raise InputError("executor", f"{self.executor!r} takes no work", "Give one of concurrent.futures")

    def processes(self, calls: int) -> int:
        """How many processes so many *calls* are made in."""
        if self.workers is not None:
            return min(self.workers, calls)
        return max(1, min(len(os.sched_getaffinity(0)), calls // FEW))


def swept(calls: Mapping[str, Callable[[], Answer]], how: Sweep) -> tuple[Answer, ...]:
    """What each of *calls* returns, in their order; each can be pickled and has a name.

    A worker that is lost, by a crash or for want of memory, is replaced and its calls are made again.

    Raises:
        WorkerLost: those of one call were lost again and again; it is named.
    """
    with bar_of(len(calls), shown=how.progress) as step:
        if how.executor is None and how.processes(len(calls)) <= 1:
            return tuple(_stepping(call, step) for call in calls.values())
        return _Sweeping(calls, how, step).answers()


class _Sweeping(Generic[Answer]):
    def __init__(self, calls: Mapping[str, Callable[[], Answer]], how: Sweep, step: Callable[[], object]) -> None:
        self._calls, self._how, self._step = calls, how, step
        self._found: dict[str, Answer] = {}
        self._broken = False

    def answers(self) -> tuple[Answer, ...]:
        """Everything, in order."""
        for _ in range(RETRIES):
            if not self._round():
                break
        else:
            self._last_round()
        return tuple(self._found[name] for name in self._calls)

    def _last_round(self) -> None:
        for name, error in self._round().items():
            why = error.problem if isinstance(error, WorkerLost) else f"{type(error).__name__}: {error}"
            raise _lost(name, f"{RETRIES + 1} times, at last: {why}") from error

    def _round(self) -> dict[str, Exception]:
        """Make the calls that have no answer yet; those whose workers were lost, with what was said."""
        left = [name for name in self._calls if name not in self._found]
        if not left:
            return {}
        with self._executor(len(left)) as executor:
            lost, running = self._submitted(executor, left)
            try:
                for future in as_completed(running):
                    name = running[future]
                    try:
                        self._found[name] = future.result()
                        self._step()
                    except (BrokenExecutor, WorkerLost) as error:
                        lost[name] = error
                    except lost_on_dask() as error:  # the cluster has tried again itself
                        raise _lost(name, f"for good: {error}") from error
            except BaseException:  # Ctrl-C, too: nothing more is to begin
                for future in running:
                    future.cancel()
                raise
        self._broken = self._broken or any(isinstance(error, BrokenExecutor) for error in lost.values())
        return lost

    def _submitted(
        self, executor: Executor, names: list[str]
    ) -> tuple[dict[str, Exception], dict[Future[Answer], str]]:
        """Calls that an executor, which is broken, does not take; and those that it does."""
        lost: dict[str, Exception] = {}
        running: dict[Future[Answer], str] = {}
        for name in names:
            try:
                running[executor.submit(self._calls[name])] = name
            except BrokenExecutor as error:
                lost[name] = error
        return lost, running

    @contextmanager
    def _executor(self, calls: int) -> Iterator[Executor]:
        """The one that was handed in while it works; else processes, which end at once with whatever ends this."""
        if self._how.executor is not None and not self._broken:
            yield steady(self._how.executor)
            return
        processes = KeptProcesses(self._how.processes(calls))
        try:
            yield processes
        except BaseException:  # Ctrl-C, too: nobody waits for what still runs
            processes.shutdown(cancel_futures=True)
            raise
        processes.shutdown()


def _lost(name: str, words: str) -> WorkerLost:
    return WorkerLost(repr(name), f"whoever worked on it was lost {words}", "Look at its log, or give fewer workers")


def _stepping(call: Callable[[], Answer], step: Callable[[], object]) -> Answer:
    answer = call()
    step()
    return answer
