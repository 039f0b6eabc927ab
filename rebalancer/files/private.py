"""Files that hold secrets: nobody but their owner may read them."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path
from typing import Final

from rebalancer.errors import ConnectionSettingsError
from rebalancer.files.decoding import text_of
from rebalancer.files.kinds import FileKind
from rebalancer.files.reading import bytes_from, opened

NO_TEXT: Final = "it is not text in UTF-8"


def private_text(path: Path, kind: FileKind) -> str:
    """The content of a file of a *kind* that only its owner can read; checked on the open file, not on its name.

    Raises:
        ConnectionSettingsError: it cannot be read, others may read or change it, or it is no text.
    """
    with opened(path, kind) as descriptor:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            problem = f"others may read or change it (mode {mode:04o})"
            raise ConnectionSettingsError(str(path), problem, f"Run `chmod 600 {shlex.quote(str(path))}`")
        content = bytes_from(descriptor, path, kind)
    try:
        return text_of(content)
    except UnicodeDecodeError as error:
        raise ConnectionSettingsError(str(path), NO_TEXT, kind.remedy) from error
