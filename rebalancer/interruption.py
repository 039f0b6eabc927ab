"""Moments that no signal may interrupt: between two files that belong together, around a call that is sent once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

INTERRUPTING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold signals back whose handlers may raise, and answer them when the block ends.

    A handler whose attribute `raises` is false is left as it is: it answers at once, and interrupts nothing. In other
    threads than the main one no signal interrupts anything anyway.

    Raises:
        KeyboardInterrupt: one came meanwhile; whatever its handler raises.
    """
    came: list[int] = []

    def hold(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    before = {int(each): signal.getsignal(each) for each in INTERRUPTING if _may_raise(signal.getsignal(each))}
    if threading.current_thread() is not threading.main_thread():
        before = {}
    for number in before:
        signal.signal(number, hold)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in came[:1]:
            signal.raise_signal(number)


def _may_raise(handler: object) -> bool:
    return callable(handler) and bool(getattr(handler, "raises", True))
