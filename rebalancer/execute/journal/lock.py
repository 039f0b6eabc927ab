"""One writer per pool: a lock file for each pool, held as long as the process may change it.

The operating system lets go of the lock when the process ends, however it ends. It excludes runs that share the state
folder; a run of another user or machine has another folder, and is kept out by the lock in the pool (`execute.claim`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from fcntl import LOCK_NB, LOCK_SH, flock
from pathlib import Path

from filelock import FileLock, Timeout

from rebalancer.errors import InputError, PoolLocked
from rebalancer.execute.journal.folders import lock_path, make_state_folder
from rebalancer.inventory import Uuid

LOOK_SECONDS = 0.2
"""How long a lock is tried: whoever looks whether it is held has it for a moment."""


def is_held(path: Path) -> bool:
    """Whether a process holds the lock that is on the file *path*: that of a pool, or of a journal.

    Raises:
        InputError: the file cannot be looked at.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError as error:
        remedy = "Look as the user who runs it, or name the state folder with --state-dir"
        raise InputError(str(path), f"it cannot be looked at: {error.strerror}", remedy) from error
    try:
        flock(descriptor, LOCK_SH | LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def pool_lock(pool: Uuid, state_dir: Path | None = None) -> Iterator[Path]:
    """Hold the lock of *pool*; a thread that holds it already may take it again.

    Example:
        >>> import rebalancer as rb
        >>> state = rb.read("pool.json.gz")
        >>> with rb.execute.pool_lock(state.pool.uuid):
        ...     rb.execute.is_any_locked()
        True

    Raises:
        PoolLocked: another run holds it.
        InputError: the state folder cannot be written, or *pool* is no uuid.
    """
    path = lock_path(pool, state_dir)
    lock = _lock(path)
    try:
        lock.acquire(timeout=LOOK_SECONDS)
    except Timeout:
        raise PoolLocked(str(path)) from None
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        yield path
    finally:
        lock.release()


@contextmanager
def pool_unlocked(pool: Uuid, state_dir: Path | None, wait: Callable[[], None]) -> Iterator[None]:
    """Let go of the lock of *pool*, which this thread has taken once, until the block ends; then take it again.

    Whoever holds it then is waited for: *wait* is called between two tries. A block that ends in an error leaves it
    free.

    Example:
        >>> from pathlib import Path
        >>> from time import sleep
        >>> import rebalancer as rb
        >>> state = rb.read("pool.json.gz")
        >>> uuid, folder = state.pool.uuid, Path("state")
        >>> with rb.execute.pool_lock(uuid, folder):
        ...     with rb.execute.pool_unlocked(uuid, folder, wait=lambda: sleep(1)):
        ...         rb.execute.is_any_locked(folder)
        ...     rb.execute.is_any_locked(folder)
        False
        True

    Raises:
        InputError: the state folder cannot be written.
    """
    path = lock_path(pool, state_dir)
    lock = _lock(path)
    lock.release()
    yield
    while True:
        try:
            lock.acquire(timeout=LOOK_SECONDS)
        except Timeout:
            wait()
        except OSError as error:
            raise _unusable(path, error) from error
        else:
            return


@contextmanager
def pool_locks(pools: Iterable[Uuid], state_dir: Path | None = None) -> Iterator[None]:
    """Hold the locks of all *pools*, taken in the order of their uuids; errors are those of `pool_lock`."""
    with ExitStack() as stack:
        for pool in sorted(pools):
            stack.enter_context(pool_lock(pool, state_dir))
        yield


def _lock(path: Path) -> FileLock:
    """The one lock object of this process for *path*."""
    try:
        make_state_folder(path.parent)
    except OSError as error:
        raise _unusable(path, error) from error
    return FileLock(path, mode=0o644, is_singleton=True)


def _unusable(path: Path, error: OSError) -> InputError:
    problem = f"the lock file cannot be made: {error.strerror}"
    return InputError(str(path), problem, "Name a writable folder with --state-dir")
