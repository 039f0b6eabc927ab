"""The `rebalancer` command, and `python -m rebalancer`: Ctrl-C ends it with a sentence, from the first import on."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from contextlib import suppress
from types import FrameType

STANDARD_ERROR = 2
INTERRUPTED = b"rebalancer: interrupted\n"
ERROR = 1


def start() -> None:
    """Run the command line; while the interpreter loads it and winds down, Ctrl-C leaves no traceback either."""
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
    try:
        from rebalancer.cli import main  # noqa: PLC0415 - loading it takes long enough to be interrupted

        main()
    except KeyboardInterrupt:
        _say_so()
        sys.exit(ERROR)
    finally:
        signal.signal(signal.SIGINT, _leave)


def _leave(_signal: int, _frame: FrameType | None) -> None:
    """End at once: the command is done, and only the interpreter is left to wait for."""
    _say_so()
    os._exit(ERROR)


def _say_so() -> None:
    """One line, past whatever of standard error is closed or half written."""
    with suppress(OSError):
        os.write(STANDARD_ERROR, INTERRUPTED)


if __name__ == "__main__":
    start()
