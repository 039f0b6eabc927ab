"""The journal of a plan: what was about to happen, and what the pool showed afterwards.

JSON lines, format `rebalancer-journal/1`. A line is on the disk before the next call leaves: the file is fsynced after
each line, its folder once it exists. A line counts when its newline is there, so a torn last line is a line that
nobody has acted upon. The task's XenAPI reference is kept, as it is the only handle on a call that runs unwatched.
"""

from __future__ import annotations

import os
import time
from fcntl import LOCK_EX, LOCK_NB, flock
from io import BytesIO
from pathlib import Path
from typing import Self

from rebalancer.errors import InputError, PoolLocked
from rebalancer.execute.journal.entries import FORMAT, Entry, RunBegan, entry_of, line_of
from rebalancer.execute.journal.folders import make_folder
from rebalancer.files.kinds import JOURNAL
from rebalancer.files.ownership import assert_kept
from rebalancer.files.reading import bytes_from, opened

START = b'{"event": "'
"""How each line begins, so that a first line that was torn can be told from a file that is no journal."""


LOOKS, LOOK_SECONDS = 4, 0.05
"""How often a lock that is held is tried again, and after how long."""


class Journal:
    """A journal that is open for appending; use as a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = _open(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self._descriptor)

    def append(self, entry: Entry) -> None:
        """Write *entry* and return once it is on the disk.

        Raises:
            InputError: the disk does not take it.
        """
        try:
            _write_all(self._descriptor, line_of(entry))
            os.fsync(self._descriptor)
        except OSError as error:
            raise _unusable(self.path, error) from error


def read_journal(path: Path) -> tuple[Entry, ...]:
    """All entries of the journal at *path*; none if there is no such file. A torn last line is left out.

    Example:
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> rb.execute.read_journal(Path("none.jsonl"))
        ()

    Raises:
        InputError: the file is no journal, or was edited.
    """
    if not path.exists():
        return ()
    with opened(path, JOURNAL) as descriptor:
        assert_kept(os.fstat(descriptor), path, InputError)
        body = bytes_from(descriptor, path, JOURNAL)
    if not body[: len(START)].startswith(START[: len(body)]):
        raise _no_journal(path)
    lines = BytesIO(body[: body.rfind(b"\n") + 1])
    entries = tuple(_entry(path, number, line) for number, line in enumerate(lines, start=1))
    if entries and not (isinstance(entries[0], RunBegan) and entries[0].format == FORMAT):
        problem = f"it does not begin with a run in the format {FORMAT}"
        raise InputError(str(path), problem, "Name the plan's own journal")
    return entries


def added_to(path: Path, lines: bytes) -> None:
    """Add whole *lines* to the file *path*, after its last whole line; they are on the disk once this returns.

    Raises:
        InputError: the file cannot be written, or others may write to it.
        PoolLocked: another process has it open.
    """
    descriptor = _open(path)
    try:
        _write_all(descriptor, lines)
        os.fsync(descriptor)
    except OSError as error:
        raise _unusable(path, error) from error
    finally:
        os.close(descriptor)


def _entry(path: Path, number: int, line: bytes) -> Entry:
    try:
        return entry_of(line)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"line {number} is no journal entry"
        raise InputError(str(path), problem, "Look at the pool, then make a new plan with a new journal") from error


def _open(path: Path) -> int:
    """A descriptor that appends to *path*, after its last whole line; the folder knows the file once this returns.

    The file is locked until the descriptor is closed: whoever shares the journal but no state folder has to wait.
    """
    try:
        make_folder(path.parent)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        assert_kept(os.fstat(descriptor), path, InputError)
        _lock(descriptor)
        _drop_torn_line(descriptor)
        _sync_folder(path.parent)
    except BlockingIOError:
        os.close(descriptor)
        raise PoolLocked(str(path)) from None
    except OSError as error:
        os.close(descriptor)
        raise _unusable(path, error) from error
    except InputError:
        os.close(descriptor)
        raise
    return descriptor


def _lock(descriptor: int, looks: int = LOOKS) -> None:
    """Lock a file; whoever looks whether it is locked has it for a moment."""
    try:
        flock(descriptor, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        if not looks:
            raise
        time.sleep(LOOK_SECONDS)
        _lock(descriptor, looks - 1)


def _drop_torn_line(descriptor: int) -> None:
    body = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    whole = body.rfind(b"\n") + 1
    if whole < len(body):
        os.ftruncate(descriptor, whole)
    os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    """Make the names in *folder* survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, body: bytes) -> None:
    while body:
        body = body[os.write(descriptor, body) :]


def _no_journal(path: Path) -> InputError:
    remedy = "Name a file that does not exist, or the plan's own journal; nothing is sent to the pool without one"
    return InputError(str(path), "the journal cannot be used: it is no journal", remedy)


def _unusable(path: Path, error: OSError) -> InputError:
    remedy = "Make the place writable, or name another journal; nothing is sent to the pool without one"
    return InputError(str(path), f"the journal cannot be used: {error.strerror}", remedy)
