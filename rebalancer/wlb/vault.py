"""The pools that told us of themselves: where each is, how to get in, and the configuration that it keeps with us.

Logins are encrypted in the file, by a key in a file beside it that only its owner reads (Fernet: AES-128-CBC with
HMAC-SHA256). It keeps them out of backups and copies of the list; whoever reads both files reads the logins.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Final

from cryptography.fernet import Fernet, InvalidToken
from pydantic import BaseModel, ConfigDict, ValidationError

from rebalancer.errors import ConnectionSettingsError
from rebalancer.execute.journal.folders import make_folder
from rebalancer.files.kinds import KIB, MIB, FileKind
from rebalancer.files.private import private_text
from rebalancer.files.writing import write_new, write_whole
from rebalancer.inventory import Uuid
from rebalancer.xapi import Credentials

KEY: Final = FileKind(
    name="key of the list of pools",
    error=ConnectionSettingsError,
    remedy="Bring it back from a backup; or remove it with the list, and connect the pools anew",
    most_bytes=KIB,
)
POOLS: Final = FileKind(
    name="list of pools",
    error=ConnectionSettingsError,
    remedy="Remove it, and connect the pools anew",
    most_bytes=16 * MIB,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A pool: its uuid, the URL of its coordinator, who logs in there, and what it keeps with us, key by key."""

    uuid: Uuid
    url: str
    login: Credentials
    configuration: Mapping[str, str] = field(default_factory=dict)


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    url: str
    login: str
    configuration: dict[str, str]


class _VaultDocument(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    format: int
    pools: dict[str, _Row]


class Vault:
    """The list in a *folder*, which is made where it is missing.

    Raises:
        ConnectionSettingsError: list or key cannot be used, or they do not belong together.
        InputError: others may write to the folder.
        OSError: the system refuses.
    """

    def __init__(self, folder: Path) -> None:
        make_folder(folder)
        self._file, self._lock = folder / "pools.json", Lock()
        self._key = _key_in(folder / "key")
        self._members = self._read() if self._file.exists() else {}

    @property
    def members(self) -> tuple[Member, ...]:
        """All pools."""
        return tuple(self._members.values())

    def find(self, uuid: Uuid) -> Member | None:
        """The pool of a uuid."""
        return self._members.get(uuid)

    def keep(self, member: Member) -> None:
        """Put a pool on the list, in place of what was there."""
        with self._lock:
            self._write({**self._members, member.uuid: member})

    def forget(self, uuid: Uuid) -> None:
        """Take a pool off the list; one that is not there is no error."""
        with self._lock:
            self._write({key: each for key, each in self._members.items() if key != uuid})

    def _write(self, members: dict[Uuid, Member]) -> None:
        rows = {
            uuid: {"url": each.url, "login": self._sealed(each.login), "configuration": dict(each.configuration)}
            for uuid, each in members.items()
        }
        write_whole(self._file, json.dumps({"format": 1, "pools": rows}, indent=1, sort_keys=True).encode())
        self._members = members

    def _read(self) -> dict[Uuid, Member]:
        try:
            document = _VaultDocument.model_validate_json(private_text(self._file, POOLS))
        except ValidationError as error:
            raise ConnectionSettingsError(str(self._file), "it is no list of pools", POOLS.remedy) from error
        return {
            uuid: Member(uuid=uuid, url=row.url, login=self._opened(row.login), configuration=row.configuration)
            for uuid, row in document.pools.items()
        }

    def _sealed(self, login: Credentials) -> str:
        return self._key.encrypt(json.dumps([login.user, login.password]).encode()).decode()

    def _opened(self, sealed: str) -> Credentials:
        try:
            user, password = json.loads(self._key.decrypt(sealed.encode()))
        except InvalidToken as error:
            raise ConnectionSettingsError(str(self._file), "its key is another one", KEY.remedy) from error
        return Credentials(user=user, password=password)


def _key_in(path: Path) -> Fernet:
    if not path.exists():
        write_new(path, Fernet.generate_key())
    try:
        return Fernet(private_text(path, KEY).strip())
    except ValueError as error:
        raise ConnectionSettingsError(str(path), "it is no key", KEY.remedy) from error
