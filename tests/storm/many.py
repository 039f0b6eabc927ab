"""Many storms, in as many processes as there are cores; those that begin in the same situation in one of them."""

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


def storms(seed: int, count: int, pairs: int = 0, *, workers: int | None = None) -> Iterator[tuple[bool, Outcome]]:
    """The outcomes of *count* storms and of *pairs*, in any order, each with whether it is of a pair."""
    alike: dict[int, list[tuple[int, bool]]] = defaultdict(list)
    for pair, many in ((False, count), (True, pairs)):
        for number in range(many):
            alike[number % MANY].append((number, pair))
    batches = [these[at : at + MOST] for these in alike.values() for at in range(0, len(these), MOST)]
    processes = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    try:
        waiting = [processes.submit(_batch, seed, these) for these in batches]
        for batch in as_completed(waiting):
            yield from batch.result()
    finally:
        processes.shutdown(cancel_futures=True)


def _batch(seed: int, these: Sequence[tuple[int, bool]]) -> list[tuple[bool, Outcome]]:
    return [(pair, one(seed, number, pair=pair)) for number, pair in these]


def one(seed: int, number: int, *, pair: bool) -> Outcome:
    """One storm; plans take the work that they take, however busy the machine is."""
    effort.CEILING = 1000.0
    return storm(seed, number, pair=pair)
