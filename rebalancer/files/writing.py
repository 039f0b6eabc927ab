"""Files are written whole, in the place of an older one at once, and for their owner alone unless said otherwise.

The content first stands in a new file beside, whose name nobody can know beforehand and which is made by this process
or not at all: a link that somebody planted leads nowhere.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

PRIVATE: Final = 0o600
"""Read and written by its owner only: what tells of a pool."""
PUBLIC: Final = 0o644
"""Read by everybody, written by its owner only."""
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_ADDED: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_KEPT: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def write_whole(path: Path, content: bytes, *, mode: int = PRIVATE) -> None:
    """Put *content* in the place of *path*: readers see the old file or the new one, never a part.

    Raises:
        OSError: the system refuses, or there is something else than a file.
    """
    _put(path, content, mode, os.fsync)


def write_fleeting(path: Path, content: bytes, *, mode: int = PRIVATE) -> None:
    """Put *content* in the place of *path* at once, for what is true for seconds only: it need not outlive the machine.

    Raises:
        OSError: as `write_whole`.
    """
    _put(path, content, mode, lambda _descriptor: None)


def _put(path: Path, content: bytes, mode: int, sync: Callable[[int], None]) -> None:
    if path.exists() and not path.is_file():  # a device would be replaced, too
        raise OSError(errno.EEXIST, "there is something else than a file", str(path))
    draft = path.with_name(f".{secrets.token_hex(8)}.new")
    try:
        _write(draft, content, mode, sync)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def write_new(path: Path, content: bytes, *, mode: int = PRIVATE) -> None:
    """Write *content* to a new file *path*, through to the disk; the mask of the shell does not matter.

    Raises:
        OSError: the system refuses, or there is something of that name.
    """
    _write(path, content, mode, os.fsync)


def add_line(path: Path, line: bytes) -> None:
    """Add *line* to the file *path* in one piece, through to the disk; a new file is for its owner alone.

    Raises:
        OSError: the system refuses, as where the disk is full: then a part may stand there; or *path* is a link.
    """
    with os.fdopen(os.open(path, _ADDED, PRIVATE), "ab", buffering=0) as file:
        while line:  # a disk that fills up takes a part, and refuses the rest
            line = line[file.write(line) :]
        os.fsync(file.fileno())


def make_private(path: Path) -> os.stat_result:
    """Make an empty file *path* for its owner alone, where there is none; what is there.

    Raises:
        OSError: the system refuses, or *path* is a link.
    """
    descriptor = os.open(path, _KEPT, PRIVATE)
    try:
        return os.fstat(descriptor)
    finally:
        os.close(descriptor)


def _write(path: Path, content: bytes, mode: int, sync: Callable[[int], None]) -> None:
    with os.fdopen(os.open(path, _NEW, mode), "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
        file.flush()
        sync(file.fileno())
