"""Where runs keep what outlives them: locks and journals."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from rebalancer.errors import InputError
from rebalancer.files.ownership import assert_kept, assert_kept_in
from rebalancer.inventory import Uuid

_PLAIN = re.compile("[0-9A-Za-z][0-9A-Za-z_-]*")


def state_folder(wanted: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """*wanted*, else `$XDG_STATE_HOME/rebalancer`, else `~/.local/state/rebalancer`.

    Example:
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> rb.execute.state_folder(None, {"XDG_STATE_HOME": "/srv/state"}).as_posix()
        '/srv/state/rebalancer'
    """
    if wanted is not None:
        return wanted
    base = environ.get("XDG_STATE_HOME", "")
    return (Path(base) if base else Path.home() / ".local" / "state") / "rebalancer"


def lock_path(pool: Uuid, state_dir: Path | None = None) -> Path:
    """The lock file of *pool*.

    Raises:
        InputError: the uuid cannot name a file.
    """
    return state_folder(state_dir) / "locks" / f"{plain_uuid(pool)}.lock"


def journal_path(digest: str, state_dir: Path | None = None) -> Path:
    """The journal of the plan with *digest*, where nobody names another.

    Example:
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> rb.execute.journal_path("sha256:0d315dbe", Path("state")).as_posix()
        'state/journals/0d315dbe.jsonl'
    """
    return state_folder(state_dir) / "journals" / f"{digest.removeprefix('sha256:')}.jsonl"


def plain_uuid(pool: Uuid) -> str:
    """The uuid of *pool*, which may come out of a plan file, if a name of a file may be made of it.

    Example:
        >>> import rebalancer as rb
        >>> try:
        ...     rb.execute.plain_uuid("../other")
        ... except rb.errors.InputError as error:
        ...     print(error)
        pool '../other': this is no uuid of a pool. Take the plan as it was written.

    Raises:
        InputError: it could lead elsewhere.
    """
    if not _PLAIN.fullmatch(pool):
        raise InputError(f"pool {pool!r}", "this is no uuid of a pool", "Take the plan as it was written")
    return pool


def make_folder(path: Path) -> None:
    """Create *path* and missing parents, for their owner alone, whatever the mask.

    Raises:
        InputError: there is such a folder, and others may write to it: they could put another lock or journal there.
        OSError: the system refuses.
    """
    for each in reversed([path, *path.parents]):
        if not each.is_dir():
            each.mkdir(mode=0o700, exist_ok=True)
    assert_kept_in(path, InputError)


def make_state_folder(path: Path) -> None:
    """Create the folder *path* in a state folder, and that where it is missing; errors are those of `make_folder`.

    Example:
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> rb.execute.make_state_folder(Path("state/runs"))
        >>> oct(Path("state/runs").stat().st_mode & 0o777)
        '0o700'
    """
    make_folder(path.parent)
    make_folder(path)
    for each in (path.parent, path):
        assert_kept(each.stat(), each, InputError)
