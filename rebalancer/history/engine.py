"""The way into the database: who may read its file, how long it waits for another process, what errors mean."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from rebalancer.errors import BrokenHistory, HistoryError, MissingExtra
from rebalancer.execute.journal.folders import make_folder
from rebalancer.files.ownership import assert_kept
from rebalancer.files.writing import make_private
from rebalancer.history.place import HistoryPlace
from rebalancer.sanitise import one_line
from rebalancer.xapi import Credentials

BUSY_SECONDS = 30
"""How long a process waits for another one that writes."""
CONNECT_SECONDS = 10
LOOKS, LOOK_SECONDS = 20, 0.1
REMEDY = (
    "No run is lost: `rebalancer history rebuild` reads journals and plans anew, and the next night keeps the hours of "
    "load of a week"
)
DRIVER = "postgresql+psycopg"
BROKEN = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def engine_of(place: HistoryPlace) -> Engine:
    """An engine for the database at *place*, whose file is made where it is missing.

    Raises:
        HistoryError: the file or the folder cannot be used.
        ConnectionSettingsError: the file with user and password cannot.
        MissingExtra: it is PostgreSQL, and the driver is not installed.
    """
    return _served(place) if place.url else _local(place.file)


def _local(path: Path) -> Engine:
    try:
        make_folder(path.parent)
        found = make_private(path)
    except OSError as error:
        raise HistoryError(str(path), f"it cannot be opened: {error.strerror}", REMEDY) from error
    assert_kept(found, path, HistoryError)
    settings = {"timeout": BUSY_SECONDS, "isolation_level": None}
    engine = create_engine(URL.create("sqlite", database=str(path)), poolclass=NullPool, connect_args=settings)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("pragma synchronous = normal")
    _log_ahead(connection)


def _log_ahead(connection: sqlite3.Connection, looks: int = LOOKS) -> None:
    """Let readers go on while somebody writes (WAL); for this change SQLite itself waits for nobody."""
    try:
        connection.execute("pragma journal_mode = wal")
    except sqlite3.OperationalError:
        if not looks:
            raise
        time.sleep(LOOK_SECONDS)
        _log_ahead(connection, looks - 1)


def _begin(connection: Connection) -> None:
    """Take the lock at once where something will be written: two that read first would wait for each other."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("begin immediate" if writes else "begin")


def _served(place: HistoryPlace) -> Engine:
    try:
        url = make_url(place.url or "").set(drivername=DRIVER)
        if place.credentials:
            known = Credentials.from_file(place.credentials)
            url = url.set(username=known.user, password=known.password)
        waits = {"connect_timeout": CONNECT_SECONDS, "application_name": "rebalancer"}
        return create_engine(url, poolclass=NullPool, connect_args=waits, hide_parameters=True)
    except ArgumentError as error:
        raise HistoryError(str(place), "it is no URL of a database", "Correct history.url in the policy") from error
    except ModuleNotFoundError as error:
        raise MissingExtra("history.url", "psycopg", "postgresql") from error


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one state of the database.

    Raises:
        HistoryError: the database cannot be used.
    """
    with translated(engine), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A connection whose changes are seen all at once, and one such at a time.

    Raises:
        HistoryError: the database cannot be used.
    """
    with translated(engine), engine.connect() as plain:
        connection = plain.execution_options(writes=True)
        with connection.begin():
            if engine.dialect.name != "sqlite":
                connection.execute(text("select pg_advisory_xact_lock(hashtext('rebalancer history'))"))
            yield connection


@contextmanager
def translated(engine: Engine) -> Iterator[None]:
    """Turn what SQLAlchemy raises inside into one sentence, without any password.

    Raises:
        HistoryError: the database cannot be used; a `BrokenHistory` where its file is none.
    """
    try:
        yield
    except SQLAlchemyError as error:
        where = engine.url.set(drivername=engine.dialect.name).render_as_string(hide_password=True)
        cause = error.orig if isinstance(error, DatabaseError) else None
        code = getattr(cause, "sqlite_errorcode", None)
        kind = BrokenHistory if code in BROKEN else HistoryError
        problem = one_line(str(cause or error).strip().partition("\n")[0])
        raise kind(where.removeprefix("sqlite:///"), f"it cannot be used: {problem}", REMEDY) from error
