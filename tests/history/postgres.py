"""A PostgreSQL server of the tests' own, on a socket in a folder that goes with it."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

DEBIAN = Path("/usr/lib/postgresql")
"""Where Debian puts the programs of each version."""
NOBODY = "postgres"
"""Who runs the server where the tests are run by root, which it refuses."""


def programs() -> Path | None:
    """The folder with `initdb` and `postgres`; None where there is no server."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    return next((path.parent for path in sorted(DEBIAN.glob("*/bin/initdb"), reverse=True)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that runs."""

    folder: Path
    user: str
    count: list[int]

    def database(self) -> str:
        """The URL of a database that nobody used yet."""
        self.count[0] += 1
        name = f"h{self.count[0]}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(SQL("create database {}").format(Identifier(name)))
        return self.url(name)

    def url(self, name: str) -> str:
        """The URL of a database of this name."""
        return f"postgresql://{self.user}@/{name}?host={self.folder}"


@contextmanager
def serving() -> Iterator[Server]:
    """A server, as long as the block lasts."""
    found = programs()
    assert found
    other = NOBODY if os.geteuid() == 0 else None
    user = other or getpass.getuser()
    folder = Path(tempfile.mkdtemp(prefix="pg."))
    if other:
        entry = pwd.getpwnam(other)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    data = folder / "data"
    try:
        made = [str(found / "initdb"), "-D", str(data), "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(made, check=True, capture_output=True, user=other, cwd=folder)
        settings = f"-c listen_addresses='' -c fsync=off -k {folder}"
        control = [str(found / "pg_ctl"), "-D", str(data), "-w"]
        started = [*control, "-l", str(folder / "log"), "-o", settings, "start"]
        subprocess.run(started, check=True, capture_output=True, user=other, cwd=folder)
        try:
            yield Server(folder=folder, user=user, count=[0])
        finally:
            stopped = [*control, "-m", "immediate", "stop"]
            subprocess.run(stopped, check=True, capture_output=True, user=other, cwd=folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
