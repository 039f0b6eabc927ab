"""What a run believes only where nobody but its owner can change it."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path

from rebalancer.errors.base import Located

OTHERS = stat.S_IWGRP | stat.S_IWOTH


def assert_kept(found: os.stat_result, path: Path, error: type[Located]) -> None:
    """Pass if what is at *path*, of which *found* tells, can be changed by its owner only.

    Raises:
        Located: of the class *error*: its group or everybody can.
    """
    if mode := stat.S_IMODE(found.st_mode) & OTHERS:
        who = "everybody" if mode & stat.S_IWOTH else "its group"
        problem = f"{who} may write to it (mode {stat.S_IMODE(found.st_mode):04o})"
        raise error(str(path), problem, f"Look at what is in it, then run `chmod go-w {shlex.quote(str(path))}`")


def assert_kept_in(folder: Path, error: type[Located]) -> None:
    """Pass if what is in *folder* can be put in place of by its owner only, or by whom it belongs to (`chmod +t`).

    Raises:
        Located: of the class *error*: others can.
        OSError: there is no such folder.
    """
    found = folder.stat()
    if not found.st_mode & stat.S_ISVTX:
        assert_kept(found, folder, error)
