"""Many storms, in as many processes as there are cores."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from rebalancer.solve.model import effort
from tests.storm.situations import MANY
from tests.storm.storm import Outcome, storm

MOST = 40
"""How many storms a process is given at once."""


def storms(seed: int, count: int, *, pair: bool = False, workers: int | None = None) -> Iterator[Outcome]:
    """The outcomes of *count* storms, in any order; those that begin in the same situation mostly in one process."""
    alike: dict[int, list[int]] = defaultdict(list)
    for number in range(count):
        alike[number % MANY].append(number)
    batches = [numbers[at : at + MOST] for numbers in alike.values() for at in range(0, len(numbers), MOST)]
    processes = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    try:
        waiting = [processes.submit(_batch, seed, numbers, pair=pair) for numbers in batches]
        for batch in as_completed(waiting):
            yield from batch.result()
    finally:
        processes.shutdown(cancel_futures=True)


def _batch(seed: int, numbers: Sequence[int], *, pair: bool) -> list[Outcome]:
    return [one(seed, number, pair=pair) for number in numbers]


def one(seed: int, number: int, *, pair: bool) -> Outcome:
    """One storm; plans take the work that they take, however busy the machine is."""
    effort.CEILING = 1000.0
    return storm(seed, number, pair=pair)
