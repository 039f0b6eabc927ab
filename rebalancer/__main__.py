"""The `rebalancer` command, and `python -m rebalancer`: a signal ends it with a line, from the first import on."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

STANDARD_ERROR = 2
ERROR = 1
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, what systemd sends, and a terminal that is gone: all of them end a command."""

Handler = Callable[[int, FrameType | None], None]


def start() -> None:
    """Run the command line; a signal while it is loaded, and while the interpreter winds down, ends it at once."""
    _hold_standard_descriptors()
    heard = tuple(each for each in SIGNALS if signal.getsignal(each) is not signal.SIG_IGN)  # nohup stays nohup
    _listen(heard, _leave)
    atexit.register(_listen, heard, signal.SIG_IGN)
    from rebalancer.cli import main  # noqa: PLC0415 - loading it takes long enough to be interrupted
    from rebalancer.cli.ending import settled  # noqa: PLC0415
    from rebalancer.cli.streams import steady_streams  # noqa: PLC0415

    steady_streams()
    asked: list[int] = []

    def ask(number: int, frame: FrameType | None) -> None:
        if settled:
            os._exit(settled[0])
        asked.append(number)
        signal.default_int_handler(number, frame)

    try:
        _listen(heard, ask)
        main()
    except KeyboardInterrupt:
        _leave()
    except SystemExit as ended:
        # An interrupted import would let CPython end by the signal, whatever the code.
        if asked:
            sys.stdout.flush()
            os._exit(int(ended.code or 0))
        raise


def _listen(signals: tuple[signal.Signals, ...], handler: Handler | signal.Handlers) -> None:
    for each in signals:
        signal.signal(each, handler)


def _hold_standard_descriptors() -> None:
    """Fill those that are closed: no journal and no connection may get the number that words are written to."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= STANDARD_ERROR:
        os.set_inheritable(descriptor, True)  # noqa: FBT003 - children expect them, too
    os.close(descriptor)


def _leave(_signal: int = signal.SIGINT, _frame: FrameType | None = None) -> None:
    """Say one line, past whatever of standard error is half written, and end."""
    try:
        os.write(STANDARD_ERROR, b"rebalancer: interrupted\n")
    finally:
        os._exit(ERROR)


if __name__ == "__main__":
    start()
