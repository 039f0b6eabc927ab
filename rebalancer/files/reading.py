"""Bytes out of a file or a pipe: nothing else is opened, no more is read than such a file has, and no longer.

Opening a device can do something (a watchdog begins to count, a tape is wound), so that what is no file and no pipe is
refused before it is opened.
"""

from __future__ import annotations

import os
import select
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rebalancer.files.decoding import in_utf8
from rebalancer.files.kinds import KIB, MIB, FileKind
from rebalancer.files.unpacking import NOT_WHOLE, TooMuch, unpacked

PIPE_SECONDS: Final = 8.0
"""How long whoever writes into a pipe may take for all of it."""
AT_ONCE: Final = MIB
_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_KINDS: Final = (
    (stat.S_ISDIR, "it is a folder"),
    (stat.S_ISCHR, "it is a device"),
    (stat.S_ISBLK, "it is a device"),
    (stat.S_ISSOCK, "it is a socket"),
)


def content_of(path: Path, kind: FileKind) -> bytes:
    """All that is in the file, unpacked, in UTF-8 without a byte order mark where it has one.

    Raises:
        Located: as `bytes_of`.
    """
    return in_utf8(unpacked_of(path, kind))


def unpacked_of(path: Path, kind: FileKind) -> bytes:
    """All that is in the file, unpacked.

    Raises:
        Located: as `bytes_of`; or it is a part of a gzip file.
    """
    try:
        return unpacked(bytes_of(path, kind), kind.most_bytes)
    except TooMuch:
        raise kind.refusal(path, f"unpacked it is {_too_large(kind)}") from None
    except NOT_WHOLE as error:
        raise kind.refusal(path, f"it is not a whole gzip file ({error})") from None


def bytes_of(path: Path, kind: FileKind) -> bytes:
    """All that is in the file, as it is.

    Raises:
        Located: of the class that *kind* names: it is missing, no file, too large, or a pipe that does not deliver.
    """
    with opened(path, kind) as descriptor:
        return bytes_from(descriptor, path, kind)


@contextmanager
def opened(path: Path, kind: FileKind) -> Iterator[int]:
    """A descriptor of the file, to look at what was opened and read it with `bytes_from`.

    Raises:
        Located: as `bytes_of`.
    """
    try:
        _refuse_others(os.stat(path), path, kind)  # noqa: PTH116 - and so for whatever is opened
        descriptor = os.open(path, _FLAGS)
    except (OSError, ValueError) as error:
        raise kind.refusal(path, _words(error)) from error
    try:
        _refuse_others(os.fstat(descriptor), path, kind)
        yield descriptor
    finally:
        os.close(descriptor)


def bytes_from(descriptor: int, path: Path, kind: FileKind) -> bytes:
    """All that *descriptor* gives, which `opened` made.

    Raises:
        Located: as `bytes_of`.
    """
    found = os.fstat(descriptor)
    if found.st_size > kind.most_bytes:
        raise kind.refusal(path, f"it is {_too_large(kind)}")
    pieces = _piped(descriptor, path, kind) if stat.S_ISFIFO(found.st_mode) else _filed(descriptor)
    body = bytearray()
    try:
        for piece in pieces:
            body += piece
            if len(body) > kind.most_bytes:
                raise kind.refusal(path, f"it is {_too_large(kind)}")
    except OSError as error:
        raise kind.refusal(path, _words(error)) from error
    return bytes(body)


def _filed(descriptor: int) -> Iterator[bytes]:
    while piece := os.read(descriptor, AT_ONCE):
        yield piece


def _piped(descriptor: int, path: Path, kind: FileKind) -> Iterator[bytes]:
    """What comes through a pipe until nobody writes into it any more."""
    ends = time.monotonic() + PIPE_SECONDS
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    while (left := ends - time.monotonic()) > 0:
        if poll.poll(left * 1000):
            if not (piece := os.read(descriptor, AT_ONCE)):
                return
            yield piece
    slow = f"it is a pipe that is not at its end after {PIPE_SECONDS:g} s: write its content to a file"
    raise kind.refusal(path, slow)


def _refuse_others(found: os.stat_result, path: Path, kind: FileKind) -> None:
    for is_of, words in _KINDS:
        if is_of(found.st_mode):
            raise kind.refusal(path, words)
    if stat.S_ISFIFO(found.st_mode) and not kind.piped:
        raise kind.refusal(path, "it is a pipe")


def _too_large(kind: FileKind) -> str:
    most = kind.most_bytes
    size = f"{most // MIB} MiB" if most >= MIB else f"{most // KIB} KiB"
    return f"larger than {size}, which is too large for a {kind.name}"


def _words(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
