"""gzip, told by its first bytes, and unpacked no further than wanted."""

from __future__ import annotations

import gzip
import zlib
from io import BytesIO
from typing import Final

GZIP: Final = b"\x1f\x8b"
AT_ONCE: Final = 1 << 20
"""Bytes that are unpacked before anybody looks how many they are by now."""
NOT_WHOLE: Final = (EOFError, zlib.error, gzip.BadGzipFile)
"""What is raised by a part of a gzip file."""


class TooMuch(ValueError):
    """More comes out than is wanted."""


def unpacked(content: bytes, most_bytes: int) -> bytes:
    """*content*, out of gzip where it is gzip'd.

    Raises:
        EOFError, zlib.error, gzip.BadGzipFile: it is a part of a gzip file.
        TooMuch: it holds more than *most_bytes*.
    """
    if not content.startswith(GZIP):
        return content
    pieces: list[bytes] = []
    size = 0
    with gzip.GzipFile(fileobj=BytesIO(content)) as packed:
        while piece := packed.read(AT_ONCE):
            size += len(piece)
            if size > most_bytes:
                raise TooMuch
            pieces.append(piece)
    return b"".join(pieces)
