"""Standard output and standard error that take everything, so that no run ends because of words.

What cannot be written, to a full disk, a closed pipe, a terminal that is gone, is dropped and remembered.
"""

from __future__ import annotations

import errno
import os
import select
import sys
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import Any, Final, TextIO

STALL_SECONDS: Final = 2.0
"""How long standard error may be full, a paused terminal or a pipe that nobody reads, before its words are dropped."""
CLOSED: Final = OSError(errno.EBADF, os.strerror(errno.EBADF))


class Steady(FileIO):
    """A descriptor whose writing never fails; `failed` is the error that made it fall silent.

    Args:
        descriptor: what is written to; it stays open.
        patience: seconds for which a write may block before it is dropped; None for any time.
        failed: why nothing can be written, where that is known.
    """

    def __init__(self, descriptor: int, *, patience: float | None, failed: OSError | None = None) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self.failed = failed
        self._patience, self._stalled = patience, False

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - whatever has bytes
        """Write what there is room for; of what has to be dropped, it says that all was written."""
        size = memoryview(data).nbytes
        if self.failed:
            return size
        try:
            return self._write_some(memoryview(data)) or size
        except OSError as error:
            self.failed = error
            return size

    def _write_some(self, data: memoryview) -> int | None:
        """How much was written; None where nobody takes it."""
        while self._has_room():
            written: int | None = super().write(data[: select.PIPE_BUF])
            if written is not None:  # else the descriptor does not block, and somebody else took the room
                return written
        return None

    def _has_room(self) -> bool:
        waiting = select.poll()
        waiting.register(self, select.POLLOUT)
        patience = 0.0 if self._stalled else self._patience
        self._stalled = not waiting.poll(None if patience is None else patience * 1000)
        return not self._stalled


def steady_streams() -> None:
    """Put steady ones in the place of `sys.stdout` and `sys.stderr`, also where those were closed at the start."""
    sys.stdout = _steady(sys.stdout, 1, patience=None)
    sys.stderr = _steady(sys.stderr, 2, patience=STALL_SECONDS)


def _steady(stream: TextIO | None, descriptor: int, *, patience: float | None) -> TextIOWrapper:
    raw = Steady(descriptor, patience=patience, failed=None if stream else CLOSED)
    return TextIOWrapper(
        BufferedWriter(raw),
        encoding=stream.encoding if stream else "utf-8",
        errors="backslashreplace",
        line_buffering=patience is not None or raw.isatty(),
    )


def failure_of(stream: TextIO) -> OSError | None:
    """Why not all that was printed to *stream* was written; None where all was."""
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return raw.failed if isinstance(raw, Steady) else None
