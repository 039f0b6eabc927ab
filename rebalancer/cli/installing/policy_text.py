"""The first policy of a pool: short, with comments, and careful."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rebalancer.errors import InputError

ZONE_LINK: Final = Path("/etc/localtime")
WINDOW: Final = re.compile(r"(?P<start>\d\d:\d\d)-(?P<end>\d\d:\d\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the operator says of the nights.

    Args:
        window: when migrations may start, `22:00-05:00`.
        timezone: whose hours these are.
        maximum_moves: how many VMs one night may move.
    """

    window: str
    timezone: str
    maximum_moves: int


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

    Raises:
        InputError: the window is none.
    """
    hours = WINDOW.fullmatch(wishes.window)
    if hours is None:
        raise InputError(f"--window {wishes.window}", "it is no window", "Write it like 22:00-05:00")
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
        f"start = {_text(hours['start'])}",
        f"end = {_text(hours['end'])}",
        "",
    ]
    return "\n".join(lines)


def _text(words: str) -> str:
    """*words* as a string of TOML, whose escapes are those of JSON."""
    return json.dumps(words, ensure_ascii=False)
