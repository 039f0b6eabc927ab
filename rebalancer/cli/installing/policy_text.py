"""The first policy of a pool: short, with comments, and careful."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from rebalancer.errors import InputError

ZONE_LINK: Final = Path("/etc/localtime")
CLOCK: Final = r"([01]\d|2[0-3]):[0-5]\d"
WINDOW: Final = re.compile(f"(?P<start>{CLOCK})-(?P<end>{CLOCK})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the operator says of the nights.

    Args:
        window: when migrations may start, `22:00-05:00`.
        timezone: whose hours these are.
        maximum_moves: how many VMs one night may move.

    Raises:
        InputError: window or time zone is none.
    """

    window: str
    timezone: str
    maximum_moves: int

    def __post_init__(self) -> None:
        """Pass where a policy takes them."""
        if not WINDOW.fullmatch(self.window):
            raise InputError(f"--window {self.window}", "it is no window", "Write it like 22:00-05:00")
        assert_zone(self.timezone, f"--timezone {self.timezone}")

    @property
    def start(self) -> str:
        """When the window opens, `22:00`."""
        return self.window.partition("-")[0]

    @property
    def opens(self) -> str:
        """When the window opens, with whose hours these are: `22:00 Europe/Berlin`."""
        return f"{self.start} {self.timezone}"

    @property
    def end(self) -> str:
        """When it closes."""
        return self.window.partition("-")[2]


def assert_zone(name: str, option: str) -> None:
    """Pass where *name*, which the *option* gives, is a time zone.

    Raises:
        InputError: it is none.
    """
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise InputError(option, "there is no such time zone", "Name one like Europe/Berlin") from None


def zone_of_machine() -> str:
    """The time zone that this machine is set to, by its link to the zone's file; UTC where it has none."""
    try:
        target = ZONE_LINK.readlink().as_posix()
    except OSError:
        return "UTC"
    return target.partition("zoneinfo/")[2] or "UTC"


def plain_digits(fingerprint: str) -> str:
    """A SHA-256 without colons, in small letters."""
    return fingerprint.replace(":", "").lower()


def policy_text(
    *,
    pool: str,
    url: str,
    fingerprints: dict[str, str],
    ca_file: Path | None,
    credentials: str,
    legacy_tls: bool,
    wishes: Wishes,
) -> str:
    """A policy for the pool of this name at *url*.

    Args:
        pool: its name.
        url: of its coordinator.
        fingerprints: {SHA-256 of a certificate that is pinned: the host that shows it}.
        ca_file: the CA that is trusted, if it is not the system's.
        credentials: the file with user and password.
        legacy_tls: whether old TLS is taken.
        wishes: what the operator says.
    """
    lines = [
        f"# The nights of pool {' '.join(pool.split())}: `rebalancer nightly` reads this file.",
        "# `rebalancer policy init` shows every key; after changes: rebalancer policy check THIS_FILE",
        "",
        'name = "nightly"',
        f"timezone = {_text(wishes.timezone)}   # of windows, and of hours of load",
        "",
        "[pool]",
        f"url = {_text(url)}",
    ]
    if ca_file:
        lines.append(f"ca_file = {_text(str(ca_file))}   # the CA that signed the hosts' certificates")
    if fingerprints:
        lines.append("# SHA-256 of the certificate of each host, as it was confirmed; a host that joins is added here.")
        lines.append("fingerprints = [")
        lines += [f"  {_text(shown)},   # {' '.join(host.split())}" for shown, host in fingerprints.items()]
        lines.append("]")
    if legacy_tls:
        lines.append('tls = "legacy"   # old hosts: whoever listens can read along')
    lines += [
        f"credentials_file = {_text(credentials)}   # user and password, a line each, mode 0600",
        "",
        "[limits]",
        f"maximum_moves = {wishes.maximum_moves}   # VMs that one night may move; begin with few",
        "",
        "# Migrations start only in this window, and none that would end after it.",
        "[[window]]",
        f"start = {_text(wishes.start)}",
        f"end = {_text(wishes.end)}",
        "",
    ]
    return "\n".join(lines)


def _text(words: str) -> str:
    """*words* as a string of TOML, whose escapes are those of JSON."""
    return json.dumps(words, ensure_ascii=False)
