"""What is opened, how much of it is read, and how long anybody waits."""

from __future__ import annotations

import gzip
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rebalancer.errors import InputError, SnapshotError
from rebalancer.files.kinds import JOURNAL, KINDS, MIB, SNAPSHOT, FileKind
from rebalancer.files.reading import bytes_of, content_of, unpacked_of

SMALL = FileKind(name="note", error=InputError, remedy="Name a note", most_bytes=1024)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A path where nothing is yet."""
    return tmp_path / "file"


@contextmanager
def writing(path: Path, content: bytes) -> Iterator[None]:
    """Somebody who writes *content* into a pipe, from another thread."""
    writer = threading.Thread(target=path.write_bytes, args=(content,), daemon=True)
    writer.start()
    yield
    writer.join()


def test_a_file_is_read_to_its_last_byte(path: Path) -> None:
    """As large as it may be, and unpacked where it is packed."""
    path.write_bytes(b"x" * 1024)
    assert bytes_of(path, SMALL) == b"x" * 1024
    path.write_bytes(gzip.compress(b"x" * 600) + gzip.compress(b"y" * 400))
    assert content_of(path, SMALL) == b"x" * 600 + b"y" * 400


def test_more_than_such_a_file_has_is_not_read(path: Path) -> None:
    """Neither in the file nor out of gzip."""
    for content in (b"x" * 1025, gzip.compress(b"x" * 1025)):
        path.write_bytes(content)
        with pytest.raises(InputError, match="larger than 1 KiB, which is too large for a note"):
            unpacked_of(path, SMALL)


def test_a_file_full_of_holes_is_told_by_its_size(path: Path) -> None:
    """A terabyte that takes no room on the disk is not looked into."""
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(SnapshotError, match="larger than 64 MiB"):
        bytes_of(path, SNAPSHOT)


def test_half_a_gzip_file_is_told(path: Path) -> None:
    """With what to do instead."""
    path.write_bytes(gzip.compress(os.urandom(100))[:60])
    with pytest.raises(InputError, match=r"not a whole gzip file .*Name a note"):
        content_of(path, SMALL)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("/dev/zero", "it is a device"),
        ("/dev/null", "it is a device"),
        (".", "it is a folder"),
        ("nowhere", "there is no such file"),
        ("/etc/hostname/x", "Not a directory"),
        ("x" * 300, "File name too long"),
        ("x\0y", "null byte"),
    ],
)
def test_what_is_no_file_is_not_opened(name: str, words: str) -> None:
    """The place, why, and what to do."""
    with pytest.raises(InputError, match=words) as raised:
        bytes_of(Path(name), SMALL)
    assert str(raised.value).endswith("Name a note.")


def test_a_socket_is_no_file(path: Path) -> None:
    """Nobody connects to it."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        with pytest.raises(InputError, match="it is a socket"):
            bytes_of(path, SMALL)


def test_a_pipe_is_read_to_its_end(path: Path) -> None:
    """By its name, or as the shell makes one of `<(zcat pool.gz)`."""
    os.mkfifo(path)
    with writing(path, b"x" * 900):
        assert bytes_of(path, SMALL) == b"x" * 900
    with subprocess.Popen(["echo", "hello"], stdout=subprocess.PIPE) as echo:
        assert echo.stdout
        assert bytes_of(Path(f"/dev/fd/{echo.stdout.fileno()}"), SMALL) == b"hello\n"


def test_a_pipe_without_end_is_read_to_the_limit() -> None:
    """What more somebody writes does not matter."""
    with subprocess.Popen(["yes"], stdout=subprocess.PIPE) as endless:
        assert endless.stdout
        with pytest.raises(InputError, match="too large for a note"):
            bytes_of(Path(f"/dev/fd/{endless.stdout.fileno()}"), SMALL)
        endless.kill()


def test_a_pipe_without_a_writer_is_not_waited_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor one whose writer never comes to an end."""
    monkeypatch.setattr("rebalancer.files.reading.PIPE_SECONDS", 0.2)
    os.mkfifo(path)
    with pytest.raises(InputError, match=r"not at its end after 0\.2 s"):
        bytes_of(path, SMALL)
    with path.open("r+b", buffering=0) as writer:
        writer.write(b"x")
        with pytest.raises(InputError, match="not at its end"):
            bytes_of(path, SMALL)


def test_no_journal_comes_through_a_pipe(path: Path) -> None:
    """It could not be added to."""
    os.mkfifo(path)
    with pytest.raises(InputError, match="it is a pipe"):
        bytes_of(path, JOURNAL)


def test_no_limit_lets_memory_grow_beyond_its_bound() -> None:
    """Bytes and values of a whole file fit, as text and as objects of a hundred bytes, into 300 MB many times over."""
    assert all(kind.most_bytes <= 128 * MIB for kind in KINDS)
    assert len({kind.name for kind in KINDS}) == len(KINDS)
