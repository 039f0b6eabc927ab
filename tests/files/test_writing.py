"""What is written is whole, for its owner alone, and leads nowhere else."""

from __future__ import annotations

import os
import resource
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from rebalancer.errors import InputError
from rebalancer.files.ownership import assert_kept, assert_kept_in
from rebalancer.files.writing import PUBLIC, add_line, write_new, write_whole


@pytest.fixture(autouse=True)
def no_mask() -> Iterator[None]:
    """A shell that would let everybody write."""
    mask = os.umask(0)
    yield
    os.umask(mask)


def mode(path: Path) -> int:
    """Who may do what with it."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_private_unless_said_otherwise(tmp_path: Path) -> None:
    """Whatever the mask, and whatever mode the older file had."""
    path = tmp_path / "pool.json"
    path.touch(mode=0o666)
    write_whole(path, b"1")
    assert (path.read_bytes(), mode(path)) == (b"1", 0o600)
    write_whole(path, b"2", mode=PUBLIC)
    assert (path.read_bytes(), mode(path)) == (b"2", 0o644)
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    """Neither the link that stands there, nor one that somebody planted under the name of a draft."""
    victim, path = tmp_path / "victim", tmp_path / "pool.json"
    victim.write_bytes(b"mine")
    path.symlink_to(victim)
    write_whole(path, b"1")
    assert (victim.read_bytes(), path.read_bytes(), path.is_symlink()) == (b"mine", b"1", False)
    (tmp_path / "draft").symlink_to(tmp_path / "nowhere")
    for planted in ("draft", "victim"):
        with pytest.raises(FileExistsError):
            write_new(tmp_path / planted, b"1")
    assert victim.read_bytes() == b"mine"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("there", ["/dev/null", "."])
def test_a_device_or_folder_is_never_replaced(there: str) -> None:
    """As root, the device would be gone."""
    with pytest.raises(OSError, match=r"something else than a file|is a directory|busy"):
        write_whole(Path(there), b"1")
    assert Path("/dev/null").is_char_device()


def test_what_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The older file stays, and no draft beside it."""
    path = tmp_path / "pool.json"
    write_whole(path, b"1")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"2")
    assert path.read_bytes() == b"1"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("bits", "who"), [(0o664, "its group"), (0o666, "everybody"), (0o602, "everybody")])
def test_who_else_may_write_is_told_with_the_command_that_mends_it(tmp_path: Path, bits: int, who: str) -> None:
    """The file by its name, in quotes where the shell needs them."""
    path = tmp_path / "a file"
    path.touch()
    path.chmod(bits)
    with pytest.raises(InputError, match=f"{who} may write to it.*chmod go-w '.*a file'"):
        assert_kept(path.stat(), path, InputError)
    path.chmod(0o644)
    assert_kept(path.stat(), path, InputError)


def test_in_a_folder_for_everybody_only_owners_may_replace(tmp_path: Path) -> None:
    """As in the system's folder for temporary files."""
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(InputError, match="everybody may write"):
        assert_kept_in(folder, InputError)
    folder.chmod(0o1777)
    assert_kept_in(folder, InputError)


def test_a_line_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    """A disk that fills up takes a part of a line without a word: nobody may take that for the line."""
    path = tmp_path / "trace"
    add_line(path, b"whole\n")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            add_line(path, b"does not fit\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == b"whole\ndoes"
