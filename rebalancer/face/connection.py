"""The way into live pools: who logs in, which certificates are trusted, and which pool is read beside."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from rebalancer.errors import ConnectionSettingsError

if TYPE_CHECKING:
    from rebalancer.policy import Policy
    from rebalancer.xapi import Credentials, Patience, Trust


def is_url(source: str) -> bool:
    """Whether *source* names a live pool."""
    return "://" in source


class ConnectOptions(TypedDict):
    """What `connect` takes besides address, login and trust."""

    patience: Patience
    fallbacks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How to get into a live pool.

    Example:
        >>> import rebalancer as rb
        >>> pair = rb.Connection(credentials=rb.Credentials(user="root", password="secret"), beside="https://other")
        >>> pair.of_beside("https://pool").login().user
        'root'

    Args:
        credentials: who logs in, or the file that says so; None for REBALANCER_USER and REBALANCER_PASSWORD.
        ca_file: PEM file of the CA to trust in place of the system's.
        fingerprints: SHA-256 of the only certificates to trust, one a host.
        beside: another pool, by URL, snapshot or dump, that is read and changed together with the first.
        beside_credentials: who logs in there, if it is somebody else.
        legacy_tls: whether what old hosts offer is taken, TLS 1.0 and RSA key exchange, from pinned hosts only.
        fallbacks: URLs of other hosts of the pool, asked where the first does not answer.
        patience_seconds: how long a pool is waited for that is not ready, as one that boots.
        waits_for_silence: whether one that does not answer is waited for, too.

    Raises:
        ConnectionSettingsError: there are credentials for a live pool beside, and none is named.
    """

    credentials: Credentials | Path | str | None = None
    ca_file: Path | str | None = None
    fingerprints: tuple[str, ...] = ()
    beside: str | None = None
    beside_credentials: Credentials | Path | str | None = None
    legacy_tls: bool = False
    fallbacks: tuple[str, ...] = ()
    patience_seconds: float = 30.0
    waits_for_silence: bool = False

    def __post_init__(self) -> None:
        """Refuse credentials for a pool beside where no live one is named."""
        if self.beside_credentials and not (self.beside and is_url(self.beside)):
            problem = "it says how to get into another live pool, and none is named beside"
            raise ConnectionSettingsError("--beside-credentials", problem, "Leave it out, or name that pool's URL")

    @classmethod
    def of(cls, way: Connection | Credentials | None) -> Connection:
        """*way*, where it is more than who logs in; else the default way for them."""
        return way if isinstance(way, Connection) else cls(credentials=way)

    @classmethod
    def of_policy(cls, policy: Policy, base: Path) -> Connection:
        """What the section `[pool]` of *policy* says; paths in it are relative to *base*, the folder of its file."""
        pool = policy.pool
        return cls(
            credentials=base / pool.credentials_file if pool.credentials_file else None,
            ca_file=base / pool.ca_file if pool.ca_file else None,
            fingerprints=pool.fingerprints,
            legacy_tls=pool.tls == "legacy",
            fallbacks=pool.fallback_urls,
        )

    def of_beside(self, source: str) -> Connection:
        """How to get into the other pool, beside which *source* is read."""
        return replace(
            self,
            credentials=self.beside_credentials or self.credentials,
            beside=source,
            beside_credentials=None,
            fallbacks=(),
        )

    def login(self, environment: Mapping[str, str] = os.environ) -> Credentials:
        """User and password.

        Raises:
            ConnectionSettingsError: file or environment do not say them.
        """
        from rebalancer.xapi import Credentials  # noqa: PLC0415 - options are read without XenAPI

        if isinstance(self.credentials, (Path, str)):
            return Credentials.from_file(Path(self.credentials))
        return self.credentials or Credentials.from_environment(environment)

    def trust(self) -> Trust:
        """Which certificates are trusted.

        Raises:
            ConnectionSettingsError: the fingerprints are none, or there is a CA file besides.
        """
        from rebalancer.xapi import Trust  # noqa: PLC0415 - options are read without XenAPI

        ca_file = Path(self.ca_file) if self.ca_file else None
        return Trust(ca_file=ca_file, fingerprints=frozenset(self.fingerprints), legacy=self.legacy_tls)

    def wishes(self) -> ConnectOptions:
        """How long a pool is waited for that is not ready, and where else it is asked."""
        from rebalancer.xapi import Patience  # noqa: PLC0415 - options are read without XenAPI

        patience = Patience(seconds=self.patience_seconds, with_silence=self.waits_for_silence)
        return {"patience": patience, "fallbacks": self.fallbacks}

    def assert_unused(self, source: str) -> None:
        """Pass where nothing says how to get into *source*, which is a file, or it is of use for the pool beside.

        Raises:
            ConnectionSettingsError: something does.
        """
        if self.beside and is_url(self.beside):
            return
        given = {
            "--fingerprint": self.fingerprints,
            "--ca-file": self.ca_file,
            "--credentials": self.credentials,
            "--legacy-tls": self.legacy_tls,
            "--fallback": self.fallbacks,
        }
        for option in [name for name, value in given.items() if value]:
            problem = f"it says how to get into a live pool, and {source} is a file"
            raise ConnectionSettingsError(option, problem, "Leave it out, or name the pool's URL")
