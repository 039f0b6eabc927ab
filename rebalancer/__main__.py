"""The `rebalancer` command, and `python -m rebalancer`: Ctrl-C ends it with a line, from the first import on."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from types import FrameType

STANDARD_ERROR = 2
ERROR = 1


def start() -> None:
    """Run the command line; Ctrl-C while it is loaded, and while the interpreter winds down, ends it at once."""
    signal.signal(signal.SIGINT, _leave)
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
    from rebalancer.cli import main  # noqa: PLC0415 - loading it takes long enough to be interrupted

    asked: list[int] = []

    def ask(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        signal.default_int_handler(number, frame)

    try:
        signal.signal(signal.SIGINT, ask)
        main()
    except KeyboardInterrupt:
        _leave()
    except SystemExit as ended:
        # An interrupted import would let CPython end by the signal, whatever the code.
        if asked:
            sys.stdout.flush()
            os._exit(int(ended.code or 0))
        raise
    finally:
        signal.signal(signal.SIGINT, _leave)


def _leave(_signal: int = signal.SIGINT, _frame: FrameType | None = None) -> None:
    """Say one line, past whatever of standard error is half written, and end."""
    try:
        os.write(STANDARD_ERROR, b"rebalancer: interrupted\n")
    finally:
        os._exit(ERROR)


if __name__ == "__main__":
    start()
