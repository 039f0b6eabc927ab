"""Executors that plan elsewhere."""

from __future__ import annotations

import pickle

import pytest

from rebalancer.errors import MetricsRefused, PoolLocked, StoppedHalfWay, WorkerLost
from rebalancer.workers import ProcessEach
from tests.nightly.fleet.calls import add, die, refuse


def test_a_process_that_dies_takes_no_other_along() -> None:
    """The others answer; the one that died is told by its exit code, and errors come as they are."""
    with ProcessEach(1) as executor:
        first, last = executor.submit(add, 1, 2), executor.submit(add, 3, 4)
        dead, refused = executor.submit(die), executor.submit(refuse)
        assert (first.result(), last.result()) == (3, 7)
        with pytest.raises(WorkerLost, match="ended with code 9"):
            dead.result()
        with pytest.raises(MetricsRefused, match="no host sent any"):
            refused.result()


@pytest.mark.parametrize(
    "error",
    [
        MetricsRefused(["a", "b"]),
        PoolLocked("lock", "somebody"),
        StoppedHalfWay("why", done=1, left=2, journal="j", ways={"to resume": "x"}, plan="p"),
        WorkerLost("where", "what", "remedy"),
    ],
)
def test_errors_come_whole_from_another_process(error: Exception) -> None:
    """With all that they keep, whatever they are called with."""
    came = pickle.loads(pickle.dumps(error))  # noqa: S301 - made here
    assert (type(came), str(came), came.__dict__) == (type(error), str(error), error.__dict__)
