"""What no signal may cut in two is finished first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from rebalancer.interruption import INTERRUPTING, uninterrupted


@pytest.fixture(autouse=True)
def interrupting() -> Iterator[None]:
    """Each of the signals interrupts, as it does on the command line."""
    before = {each: signal.signal(each, signal.default_int_handler) for each in INTERRUPTING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", INTERRUPTING)
def test_the_block_is_finished_first(number: signal.Signals) -> None:
    """The signal interrupts once all of it is done, and afterwards at once again."""
    done = []

    def work() -> None:
        with uninterrupted():
            signal.raise_signal(number)
            signal.raise_signal(number)
            done.append(number)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == [number]
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)


def test_blocks_may_stand_in_each_other() -> None:
    """The outer one counts."""
    done = []

    def work() -> None:
        with uninterrupted():
            with uninterrupted():
                signal.raise_signal(signal.SIGINT)
            done.append("outer")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["outer"]


def test_an_error_of_the_block_is_not_lost() -> None:
    """It is what the interrupt came upon."""

    def work() -> None:
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            raise OSError("full")

    with pytest.raises(KeyboardInterrupt) as caught:
        work()
    assert isinstance(caught.value.__context__, OSError)


def test_a_handler_that_only_takes_note_answers_at_once() -> None:
    """As that of a run, which stops in order."""

    class Noting:
        raises = False
        noted = 0

        def __call__(self, *_: object) -> None:
            self.noted += 1

    handler = Noting()
    signal.signal(signal.SIGTERM, handler)
    with uninterrupted():
        signal.raise_signal(signal.SIGTERM)
        assert handler.noted == 1


def test_what_is_ignored_stays_ignored() -> None:
    """Inside and afterwards."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with uninterrupted():
        signal.raise_signal(signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_other_threads_are_never_interrupted() -> None:
    """There it does nothing, and can be used all the same."""
    done = []

    def work() -> None:
        with uninterrupted():
            done.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [1]
