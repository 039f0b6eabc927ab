"""Who logs in: from the environment or from a file that nobody else can read, never from arguments."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rebalancer.errors import ConnectionSettingsError
from rebalancer.files.kinds import CREDENTIALS
from rebalancer.files.private import NO_TEXT, private_text
from rebalancer.units import counted

USER: Final = "REBALANCER_USER"
PASSWORD: Final = "REBALANCER_PASSWORD"  # noqa: S105 - the name of a variable
SHAPE: Final = CREDENTIALS.remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A user and a password; the password never shows in a `repr`.

    Example:
        >>> import rebalancer as rb
        >>> rb.Credentials(user="root", password="secret")
        Credentials(user='root')
    """

    user: str
    password: str = field(repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Credentials:
        """REBALANCER_USER and REBALANCER_PASSWORD.

        Raises:
            ConnectionSettingsError: one of them is missing or empty.
        """
        for name in (USER, PASSWORD):
            if not environment.get(name):
                remedy = f"Set {USER} and {PASSWORD}, or name a file"
                raise ConnectionSettingsError("credentials", f"the variable {name} is not set", remedy)
        return cls(user=environment[USER], password=environment[PASSWORD])

    @classmethod
    def from_file(cls, path: Path) -> Credentials:
        """The first line of a file is the user, the second the password.

        Raises:
            ConnectionSettingsError: the file is missing, readable by others, or shaped otherwise.
        """
        text = private_text(path, CREDENTIALS)
        if "\0" in text:  # UTF-16 or UTF-32 without a mark
            raise ConnectionSettingsError(str(path), NO_TEXT, SHAPE)
        lines = text.splitlines()
        if len(lines) != 2 or not all(lines):  # noqa: PLR2004 - user, password
            raise ConnectionSettingsError(str(path), f"it has {counted(len(lines), 'line')} instead of two", SHAPE)
        return cls(user=lines[0], password=lines[1])
