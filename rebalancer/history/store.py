"""The open history: its tables are there, in the form of this version."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine, inspect, select

from rebalancer.errors import HistoryError
from rebalancer.history.engine import engine_of, reading, writing
from rebalancer.history.place import HistoryPlace
from rebalancer.history.tables import META, VERSION

MIGRATIONS: tuple[Callable[[Connection], None], ...] = ()
"""What leads from version 1 on to the next, and so on; a new database begins with the last version."""


class Store:
    """A history that can be read and written; use as a context manager, or `close` it."""

    def __init__(self, place: HistoryPlace, engine: Engine) -> None:
        self.place, self.engine = place, engine

    @classmethod
    def of(cls, place: HistoryPlace) -> Store:
        """The history at *place*, made where there is none, and brought to this version.

        Raises:
            HistoryError: it cannot be used, or a newer version wrote it.
            ConnectionSettingsError, MissingExtra: there is no way in.
        """
        store = cls(place, engine_of(place))
        with store.writing() as connection:
            _bring_up(connection, str(place))
        return store

    @classmethod
    def known(cls, place: HistoryPlace) -> Store | None:
        """The history at *place* as it is; None where there is none, or one of another version.

        Raises:
            HistoryError, ConnectionSettingsError, MissingExtra: as `of`.
        """
        if not place.url and not place.file.is_file():
            return None
        store = cls(place, engine_of(place))
        with store.reading() as connection:
            found = _version(connection)
        return store if found == len(MIGRATIONS) + 1 else None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """See `engine.reading`."""
        with reading(self.engine) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """See `engine.writing`."""
        with writing(self.engine) as connection:
            yield connection

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.close()


def _version(connection: Connection) -> int:
    """The version of the tables; 0 where there are none."""
    if not inspect(connection).has_table(VERSION.name):
        return 0
    return connection.execute(select(VERSION.c.version)).scalar_one_or_none() or 0


def _bring_up(connection: Connection, where: str) -> None:
    newest, found = len(MIGRATIONS) + 1, _version(connection)
    if found > newest:
        problem = f"it is of version {found}, and this program knows {newest}"
        raise HistoryError(where, problem, "Use the newer rebalancer, or name another state folder or database")
    if not found:
        META.create_all(connection)
        connection.execute(VERSION.insert().values(version=newest))
    elif found < newest:
        for migrate in MIGRATIONS[found - 1 :]:
            migrate(connection)
        connection.execute(VERSION.update().values(version=newest))
