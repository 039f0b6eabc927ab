"""Who may ask: names with hashes of passwords in a file that only its owner reads, and a limit to guessing."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final

from rebalancer.errors import ConnectionSettingsError
from rebalancer.files.kinds import KIB, FileKind
from rebalancer.files.private import private_text
from rebalancer.files.writing import write_whole

ACCOUNTS: Final = FileKind(
    name="accounts file",
    error=ConnectionSettingsError,
    remedy="Write it with `rebalancer wlb account NAME --accounts FILE`",
    most_bytes=256 * KIB,
)
ROUNDS, BLOCK, LANES, LENGTH, SALT = 2**14, 8, 1, 32, 16
"""Of scrypt: 16 MiB, and some 50 ms, for each guess (RFC 7914)."""
MOST_BYTES: Final = 64 * 1024 * 1024
KIND: Final = "scrypt"
FAILURES, WITHIN_SECONDS, ADDRESSES = 5, 60.0, 4096
"""So many wrong passwords from one address in so many seconds are looked at; of so many addresses it is known."""


@dataclass(frozen=True, slots=True)
class _Hash:
    salt: bytes
    digest: bytes

    def fits(self, password: str) -> bool:
        return hmac.compare_digest(_digest(password, self.salt), self.digest)


class Accounts:
    """The accounts of a file. Passwords that fitted once are known again without the work, by a key of this process."""

    def __init__(self, hashes: dict[str, _Hash]) -> None:
        self._hashes = hashes
        self._nobody = _Hash(secrets.token_bytes(SALT), secrets.token_bytes(LENGTH))
        self._key, self._known = secrets.token_bytes(LENGTH), dict[str, bytes]()
        self._one_at_a_time = Lock()

    @classmethod
    def from_file(cls, path: Path) -> Accounts:
        """The accounts in the file *path*.

        Raises:
            ConnectionSettingsError: it is missing, others may read it, it is no such file, or there is nobody in it.
        """
        hashes = _hashes_in(path)
        if not hashes:
            raise ConnectionSettingsError(str(path), "there is no account in it", ACCOUNTS.remedy)
        return cls(hashes)

    def admits(self, user: str, password: str) -> bool:
        """Whether *password* is that of *user*; it takes as long for nobody as for somebody with another password."""
        seen = hmac.digest(self._key, f"{user}\0{password}".encode("utf-8", "surrogatepass"), "sha256")
        if hmac.compare_digest(self._known.get(user, b""), seen):
            return True
        with self._one_at_a_time:
            fits = self._hashes.get(user, self._nobody).fits(password)
        if fits:
            self._known[user] = seen
        return fits


def keep_account(path: Path, user: str, password: str) -> None:
    """Put an account in the file *path*, in place of one of the same name; a new file is for its owner alone.

    Raises:
        ConnectionSettingsError: the name or the password cannot be used, or the file cannot be read.
        OSError: it cannot be written.
    """
    if not user or ":" in user or not user.isprintable():
        raise ConnectionSettingsError(f"account {user!r}", "it cannot be in a Basic login", "Use letters and digits")
    if not password:
        raise ConnectionSettingsError("password", "it is empty", "Give one of 12 characters or more")
    hashes = _hashes_in(path) if path.exists() else {}
    salt = secrets.token_bytes(SALT)
    hashes[user] = _Hash(salt, _digest(password, salt))
    lines = (":".join((name, KIND, _text(each.salt), _text(each.digest))) for name, each in sorted(hashes.items()))
    write_whole(path, "".join(f"{line}\n" for line in lines).encode())


def _hashes_in(path: Path) -> dict[str, _Hash]:
    found = {}
    for number, line in enumerate(private_text(path, ACCOUNTS).splitlines(), start=1):
        try:
            user, kind, salt, digest = line.split(":")
            made = _Hash(base64.b64decode(salt, validate=True), base64.b64decode(digest, validate=True))
        except (ValueError, binascii.Error):
            kind = ""
        if kind != KIND or len(made.digest) != LENGTH:
            problem = f"line {number} is no account: NAME:{KIND}:SALT:HASH"
            raise ConnectionSettingsError(str(path), problem, ACCOUNTS.remedy)
        found[user] = made
    return found


def _digest(password: str, salt: bytes) -> bytes:
    words = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(words, salt=salt, n=ROUNDS, r=BLOCK, p=LANES, maxmem=MOST_BYTES, dklen=LENGTH)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


class Throttle:
    """How often an address was wrong lately; the least recently wrong of too many addresses is forgotten."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._wrong = now, OrderedDict[str, deque[float]]()

    def is_shut(self, address: str) -> bool:
        """Whether nothing from *address* is looked at for now."""
        times = self._wrong.get(address, deque())
        return len(times) == FAILURES and self._now() - times[0] < WITHIN_SECONDS

    def note(self, address: str) -> None:
        """A password from *address* was wrong."""
        self._wrong.setdefault(address, deque(maxlen=FAILURES)).append(self._now())
        self._wrong.move_to_end(address)
        while len(self._wrong) > ADDRESSES:
            self._wrong.popitem(last=False)
