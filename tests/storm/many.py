"""Many storms, in as many processes as there are cores."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from rebalancer.solve.model import effort
from tests.storm.situations import MANY
from tests.storm.storm import Outcome, storm


def storms(seed: int, count: int, *, pair: bool = False, workers: int | None = None) -> Iterator[Outcome]:
    """The outcomes of *count* storms, in any order; those that begin in the same situation in one process."""
    batches: dict[int, list[int]] = defaultdict(list)
    for number in range(count):
        batches[number % MANY].append(number)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as processes:
        waiting = [processes.submit(_batch, seed, numbers, pair=pair) for numbers in batches.values()]
        for batch in as_completed(waiting):
            yield from batch.result()


def _batch(seed: int, numbers: Sequence[int], *, pair: bool) -> list[Outcome]:
    return [one(seed, number, pair=pair) for number in numbers]


def one(seed: int, number: int, *, pair: bool) -> Outcome:
    """One storm; plans take the work that they take, however busy the machine is."""
    effort.CEILING = 1000.0
    return storm(seed, number, pair=pair)
