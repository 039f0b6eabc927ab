"""The database: who may read it, two processes at once, versions, and what is said when it cannot be used."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, inspect, select, text

from rebalancer.errors import BrokenHistory, HistoryError, InputError, PolicyError
from rebalancer.history import store as module
from rebalancer.history.fill import Filled, fill
from rebalancer.history.mend import BROKEN, with_store
from rebalancer.history.place import HistoryPlace
from rebalancer.history.store import Store
from rebalancer.history.tables import NIGHTS, VERSION
from rebalancer.policy import HistoryPolicy
from tests.history.made import live_through
from tests.history.postgres import Server


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    """Whatever the mask, with all that SQLite keeps beside it."""
    place = HistoryPlace(state_dir=tmp_path / "state")
    with Store.of(place) as store, store.writing() as connection:
        connection.execute(text("select 1"))
        beside = sorted(place.folder.iterdir())
        assert [path.name for path in beside] == ["history.sqlite", "history.sqlite-shm", "history.sqlite-wal"]
        assert {stat.S_IMODE(path.stat().st_mode) for path in beside} == {0o600}
    assert stat.S_IMODE(place.folder.stat().st_mode) == 0o700


def test_one_that_others_may_write_is_refused(tmp_path: Path) -> None:
    """They could tell the next night whom to leave alone."""
    place = HistoryPlace(state_dir=tmp_path)
    Store.of(place).close()
    place.file.chmod(0o660)
    with pytest.raises(HistoryError, match="its group may write to it"):
        Store.of(place)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """The file is made in the folder or not at all."""
    place = HistoryPlace(state_dir=tmp_path)
    place.file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(HistoryError, match="cannot be opened"):
        Store.of(place)


def test_a_newer_version_is_left_alone(store: Store, place: HistoryPlace) -> None:
    """It is refused in a sentence, and not known to whoever only reads."""
    with store.writing() as connection:
        connection.execute(VERSION.update().values(version=7))
    with pytest.raises(HistoryError, match="it is of version 7, and this program knows 1"):
        Store.of(place)
    assert Store.known(place) is None


def add_a_column(connection: Connection) -> None:
    """What a later version might do."""
    connection.execute(text("alter table nights add column mood text"))


def test_an_older_version_is_brought_up(store: Store, place: HistoryPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, with all that is in it; before, whoever only reads leaves it alone."""
    live_through(place.folder)
    fill(store)
    monkeypatch.setattr(module, "MIGRATIONS", (add_a_column,))
    assert Store.known(place) is None
    for _ in range(2):
        with Store.of(place) as opened, opened.reading() as connection:
            columns = [each["name"] for each in inspect(connection).get_columns("nights")]
            assert columns.count("mood") == 1
            assert len(connection.execute(select(NIGHTS.c.policy)).all()) == 1
            assert connection.execute(select(VERSION.c.version)).scalar_one() == 2


ADDS = """
import sys
from pathlib import Path
from sqlalchemy import text
from rebalancer.history.place import HistoryPlace
from rebalancer.history.store import Store
place = HistoryPlace(state_dir=Path(sys.argv[1]), url=sys.argv[2] or None)
for _ in range(40):
    with Store.of(place) as store, store.writing() as connection:
        found = connection.execute(text("select coalesce(max(value), 0) from counted")).scalar_one()
        connection.execute(text(f"insert into counted values ({found + 1})"))
"""


def test_two_processes_write_at_once(store: Store, place: HistoryPlace) -> None:
    """Each sees what the other wrote before it writes: nothing is lost, and nobody is turned away."""
    table = Table("counted", MetaData(), Column("value", Integer, primary_key=True))
    with store.writing() as connection:
        table.create(connection)
    command = [sys.executable, "-c", ADDS, str(place.state_dir), place.url or ""]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert [each.wait(timeout=120) for each in both] == [0, 0]
    with store.reading() as connection:
        assert len(connection.execute(select(table.c.value)).all()) == 80


@pytest.mark.parametrize("content", [b"no database " * 500, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_broken_file_is_set_aside_and_filled_anew(tmp_path: Path, content: bytes) -> None:
    """It is told, the old file is kept, and what the state folder tells is known again."""
    place = HistoryPlace(state_dir=tmp_path)
    live_through(tmp_path)
    place.file.write_bytes(content)
    place.file.chmod(0o600)
    with pytest.raises(BrokenHistory):
        Store.of(place)
    told: list[str] = []
    found = with_store(place, lambda store: store.place.file.exists() and fill(store), told.append)
    assert found == Filled()
    (words,) = told
    assert "It is kept as history.sqlite.broken" in words
    assert place.file.with_name(place.file.name + BROKEN).read_bytes() == content
    with Store.of(place) as store, store.reading() as connection:
        assert len(connection.execute(select(NIGHTS.c.policy)).all()) == 1


@pytest.mark.slow
def test_a_server_that_refuses_is_named_without_its_password(server: Server, tmp_path: Path) -> None:
    """What stands in the credentials file is never told."""
    keys = tmp_path / "keys"
    keys.write_text("jane\nverysecret\n")
    keys.chmod(0o600)
    wanted = HistoryPolicy(url=f"postgresql://db/none?host={server.folder}", credentials_file="keys")
    place = HistoryPlace.of(wanted, tmp_path / "state", tmp_path)
    with pytest.raises(HistoryError, match=r"it cannot be used: .*jane") as refused:
        Store.of(place)
    assert "verysecret" not in f"{refused.value} {refused.value!r} {place}"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:///x", "does not begin with postgresql://"),
        ("postgresql://jane:secret@db/x", "it holds a password"),
        ("postgresql://db/x?user=jane&password=secret", "it holds a password"),
    ],
)
def test_a_policy_holds_no_password(url: str, words: str) -> None:
    """And names no other database; the sentence does not repeat it."""
    with pytest.raises(PolicyError, match=words) as refused:
        HistoryPolicy(url=url)
    assert "secret" not in str(refused.value)


def test_a_credentials_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """As of a pool."""
    (tmp_path / "keys").write_text("jane\nsecret\n")
    (tmp_path / "keys").chmod(0o644)
    wanted = HistoryPolicy(url="postgresql://db/none", credentials_file="keys")
    with pytest.raises(InputError, match="others may read"):
        Store.of(HistoryPlace.of(wanted, tmp_path, tmp_path))
