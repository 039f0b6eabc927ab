"""One writer per pool."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rebalancer.errors import InputError, PoolLocked
from rebalancer.execute.journal.folders import lock_path, state_folder
from rebalancer.execute.journal.journal import Journal, read_journal
from rebalancer.execute.journal.lock import pool_lock

HOLD = """
import sys
from pathlib import Path
from rebalancer.execute.journal.lock import pool_lock
with pool_lock(sys.argv[1], Path(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(pool: str, folder: Path) -> subprocess.Popen[str]:
    """A process that holds the lock of *pool* until it is killed."""
    command = [sys.executable, "-c", HOLD, pool, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused_and_told_which_lock(tmp_path: Path) -> None:
    """While one process holds the lock, another gets PoolLocked with the lock file; a kill -9 frees it."""
    with holder("pool-1", tmp_path) as process:
        with pytest.raises(PoolLocked) as refused, pool_lock("pool-1", tmp_path):
            pytest.fail("two writers")
        assert str(lock_path("pool-1", tmp_path)) in str(refused.value)
        with pool_lock("pool-2", tmp_path):
            pass
        process.kill()
        process.wait()
        with pool_lock("pool-1", tmp_path):
            pass


def test_who_holds_it_may_take_it_again(tmp_path: Path) -> None:
    """A run inside a run of the same thread keeps the lock until the outer one ends."""
    with pool_lock("pool", tmp_path):
        with pool_lock("pool", tmp_path):
            pass
        with pytest.raises(PoolLocked):
            _in_a_thread("pool", tmp_path)
    _in_a_thread("pool", tmp_path)


def _in_a_thread(pool: str, folder: Path) -> None:
    """Take the lock in another thread."""
    raised: list[PoolLocked] = []

    def take() -> None:
        try:
            with pool_lock(pool, folder):
                pass
        except PoolLocked as error:
            raised.append(error)

    thread = threading.Thread(target=take)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]


@pytest.mark.parametrize(
    ("wanted", "environ", "folder"),
    [
        (Path("/srv/x"), {"XDG_STATE_HOME": "/state"}, Path("/srv/x")),
        (None, {"XDG_STATE_HOME": "/state"}, Path("/state/rebalancer")),
        (None, {}, Path.home() / ".local/state/rebalancer"),
        (None, {"XDG_STATE_HOME": ""}, Path.home() / ".local/state/rebalancer"),
    ],
)
def test_where_state_is_kept(wanted: Path | None, environ: dict[str, str], folder: Path) -> None:
    """An option beats XDG_STATE_HOME, and that beats the home folder."""
    assert state_folder(wanted, environ) == folder


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A file in the place of the state folder is an input error that names the fix."""
    (tmp_path / "state").write_text("")
    with pytest.raises(InputError, match="--state-dir"), pool_lock("pool", tmp_path / "state"):
        pytest.fail("no lock was taken")


def test_one_journal_serves_one_run(tmp_path: Path) -> None:
    """With another state folder a second run finds the journal locked, and leaves its last line alone."""
    path = tmp_path / "journal.jsonl"
    with Journal(path):
        path.write_bytes(b'{"event": "')
        with pytest.raises(PoolLocked, match=re.escape(str(path))):
            Journal(path)
        assert path.read_bytes() == b'{"event": "'
    with Journal(path):
        assert path.read_bytes() == b""


@pytest.mark.parametrize("bits", [0o770, 0o777, 0o1777])
def test_a_state_folder_for_others_is_refused(tmp_path: Path, bits: int) -> None:
    """Somebody else could hold its locks, or put journals there."""
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(bits)
    with pytest.raises(InputError, match=r"may write to it \(mode .*chmod go-w"), pool_lock("p", state):
        pytest.fail("a lock was taken")


def test_a_journal_for_others_is_refused(tmp_path: Path) -> None:
    """Neither read nor added to."""
    path = tmp_path / "journal.jsonl"
    path.touch()
    path.chmod(0o666)
    with pytest.raises(InputError, match=r"everybody may write to it .*chmod go-w"):
        read_journal(path)
    with pytest.raises(InputError, match=r"everybody may write to it .*chmod go-w"):
        Journal(path)
