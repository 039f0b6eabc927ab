"""Files of pools, gzip'd or not, whatever their name."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from rebalancer.decoding import in_utf8, unpacked
from rebalancer.errors import SnapshotError


def content_of(path: Path, remedy: str) -> bytes:
    """All that is in the file, unpacked, without a byte order mark.

    Args:
        path: the file.
        remedy: how people get a whole one.

    Raises:
        SnapshotError: it cannot be read, or is a part of a gzip file.
    """
    try:
        return in_utf8(unpacked(path.read_bytes()))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SnapshotError(str(path), f"it is not a whole gzip file ({error})", remedy) from error
    except OSError as error:
        raise SnapshotError(str(path), f"it cannot be read ({error.strerror})", "Look at the path") from error
