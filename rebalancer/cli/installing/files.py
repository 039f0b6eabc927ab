"""The files that setting up writes: none of them over another."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rebalancer.errors import InputError
from rebalancer.files.writing import PRIVATE, PUBLIC, write_new

FOLDER_MODE: Final = 0o755


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A file to be written; *private* ones are for their owner alone."""

    path: Path
    text: str
    private: bool = False


def assert_new(paths: Sequence[Path]) -> None:
    """Pass where none of *paths* is there.

    Raises:
        InputError: one is.
    """
    for path in paths:
        if path.exists() or path.is_symlink():
            raise InputError(str(path), "it exists, and is left as it is", "Move it away, or name another folder")


def write(drafts: Sequence[Draft], owner: str) -> None:
    """Write *drafts*, for *owner* where root writes and there is such a user.

    Raises:
        InputError: one cannot be written.
    """
    for draft in drafts:
        try:
            draft.path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            write_new(draft.path, draft.text.encode(), mode=PRIVATE if draft.private else PUBLIC)
            if draft.private and (ids := _ids(owner)):
                os.chown(draft.path, *ids)
        except OSError as error:
            problem = f"it cannot be written: {error.strerror}"
            raise InputError(str(draft.path), problem, "Name another folder") from error


def must_be_given(owner: str) -> bool:
    """Whether private files have to be given to *owner* by somebody else."""
    return os.geteuid() != 0 or _ids(owner) is None


def types(owner: str) -> bool:
    """Whether *owner* is who runs this process."""
    return any(each.pw_name == owner for each in pwd.getpwall() if each.pw_uid == os.geteuid())


def _ids(owner: str) -> tuple[int, int] | None:
    """User and group of *owner*, where root may give files away and knows them."""
    if os.geteuid() != 0:
        return None
    known: Mapping[str, pwd.struct_passwd] = {each.pw_name: each for each in pwd.getpwall()}
    return (known[owner].pw_uid, known[owner].pw_gid) if owner in known else None
