"""Where the history is: a file in the state folder, or a PostgreSQL database."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

from rebalancer.execute import state_folder
from rebalancer.policy import HistoryPolicy

FILE = "history.sqlite"


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPlace:
    """A history, and the state folder that it is filled from.

    Args:
        state_dir: the folder; None for that of the command line.
        url: the PostgreSQL database; None for a file in the folder.
        credentials: the file with its user and password; None where libpq finds them.
    """

    state_dir: Path | None = None
    url: str | None = None
    credentials: Path | None = None

    @classmethod
    def of(cls, wanted: HistoryPolicy, state_dir: Path | None = None, base: Path | None = None) -> HistoryPlace:
        """What a policy says, with a path relative to *base*, the folder of its file."""
        named = wanted.credentials_file
        file = Path(base or "", named) if named else None
        return cls(state_dir=state_dir, url=wanted.url, credentials=file)

    @property
    def folder(self) -> Path:
        """The state folder."""
        return state_folder(self.state_dir)

    @property
    def origin(self) -> str:
        """The state folder as several machines tell theirs apart in one database."""
        return f"{platform.node()}:{self.folder.resolve()}"

    @property
    def file(self) -> Path:
        """The database in the folder, where there is no other."""
        return self.folder / FILE

    def __str__(self) -> str:
        return self.url or str(self.file)
