"""The first policy of a pool: short, with comments, and careful."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rebalancer.errors import InputError
from rebalancer.units import is_time_zone

ZONE_LINK: Final = Path("/etc/localtime")
CLOCK: Final = r"([01]\d|2[0-3]):[0-5]\d"
HOUR_MINUTES: Final = 60
DAY_MINUTES: Final = 24 * HOUR_MINUTES
WINDOW: Final = re.compile(f"(?P<start>{CLOCK})-(?P<end>{CLOCK})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the operator says of the nights.

    Args:
        window: when migrations may start, `22:00-05:00`.
        timezone: whose hours these are.
        maximum_moves: how many VMs one night may move.
        sleep_at: when hosts are put to sleep, `23:00`; None for an hour after the window opens, or halfway through it.

    Raises:
        InputError: window or time zone is none, or hosts would be put to sleep outside of the window.
    """

    window: str
    timezone: str
    maximum_moves: int
    sleep_at: str | None = None

    def __post_init__(self) -> None:
        """Pass where a policy takes them."""
        if not WINDOW.fullmatch(self.window):
            raise InputError(f"--window {self.window}", "it is no window", "Write it like 22:00-05:00")
        assert_zone(self.timezone, f"--timezone {self.timezone}")
        if self.sleep_at is None:
            return
        if not re.fullmatch(CLOCK, self.sleep_at):
            raise InputError(f"--sleep-at {self.sleep_at}", "it is no time of day", "Write it like 23:00")
        if self._after_opening(self.sleep_at) >= self._open_minutes:
            problem = f"VMs leave their hosts in the window only, {self.window}"
            raise InputError(f"--sleep-at {self.sleep_at}", problem, "Name a time in it, or another --window")

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

    @property
    def sleeps(self) -> str:
        """When hosts are put to sleep, once a night has begun; with whose hours these are: `23:00 Europe/Berlin`."""
        if self.sleep_at is not None:
            return f"{self.sleep_at} {self.timezone}"
        minutes = _minutes(self.start) + min(HOUR_MINUTES, self._open_minutes // 2)
        hours, minutes = divmod(minutes % DAY_MINUTES, HOUR_MINUTES)
        return f"{hours:02}:{minutes:02} {self.timezone}"

    @property
    def _open_minutes(self) -> int:
        """How long it is open; a window that opens when it closes is open for a day."""
        return self._after_opening(self.end) or DAY_MINUTES

    def _after_opening(self, clock: str) -> int:
        """Minutes from the time at which it opens to *clock*."""
        return (_minutes(clock) - _minutes(self.start)) % DAY_MINUTES


def _minutes(clock: str) -> int:
    """Minutes from midnight to *clock*, `22:00`."""
    hours, minutes = clock.split(":")
    return int(hours) * HOUR_MINUTES + int(minutes)


def assert_zone(name: str, option: str) -> None:
    """Pass where *name*, which the *option* gives, is a time zone.

    Raises:
        InputError: it is none.
    """
    if not is_time_zone(name):
        raise InputError(option, "there is no such time zone", "Name one like Europe/Berlin")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class WayIn:
    """How policies say where their pool is.

    Args:
        pool: its name.
        url: of its coordinator.
        fingerprints: {SHA-256 of a certificate that is pinned: the host that shows it}.
        ca_file: the CA that is trusted, if it is not the system's.
        credentials: the file with user and password.
        legacy_tls: whether old TLS is taken.
    """

    pool: str
    url: str
    fingerprints: dict[str, str]
    ca_file: Path | None
    credentials: str
    legacy_tls: bool

    @property
    def called(self) -> str:
        """The name of the pool on one line."""
        return " ".join(self.pool.split())

    def section(self) -> list[str]:
        """The section `pool`."""
        lines = ["[pool]", f"url = {_text(self.url)}"]
        if self.ca_file:
            lines.append(f"ca_file = {_text(str(self.ca_file))}   # the CA that signed the hosts' certificates")
        if self.fingerprints:
            lines.append(
                "# SHA-256 of the certificate of each host, as it was confirmed; one that joins is added here."
            )
            lines.append("fingerprints = [")
            lines += [f"  {_text(shown)},   # {' '.join(host.split())}" for shown, host in self.fingerprints.items()]
            lines.append("]")
        if self.legacy_tls:
            lines.append('tls = "legacy"   # old hosts: whoever listens can read along')
        lines.append(f"credentials_file = {_text(self.credentials)}   # user and password, a line each, mode 0600")
        return lines


def policy_text(way: WayIn, wishes: Wishes) -> str:
    """A policy for the nights of the pool to which *way* leads."""
    lines = [
        f"# The nights of pool {way.called}: `rebalancer nightly` reads this file.",
        "# `rebalancer policy init` shows every key; after changes: rebalancer policy check THIS_FILE",
        "",
        'name = "nightly"',
        f"timezone = {_text(wishes.timezone)}   # of windows, and of hours of load",
        "",
        *way.section(),
        "",
        "[limits]",
        f"maximum_moves = {wishes.maximum_moves}   # VMs that one night may move; begin with few",
        "",
        *_window(wishes),
    ]
    return "\n".join(lines)


def saving_text(way: WayIn, wishes: Wishes) -> str:
    """A policy under which hosts of the pool to which *way* leads sleep, and are woken."""
    lines = [
        f"# Hosts of pool {way.called} that sleep: `rebalancer sleep --execute` and `rebalancer wake` read this file.",
        "# `rebalancer policy init` shows every key; those of [sleep] say how careful it is, and when hosts are woken.",
        "",
        'name = "saving"',
        f"timezone = {_text(wishes.timezone)}   # of windows, and of hours of load",
        'mode = "consolidate"   # VMs go to few hosts, so that others become empty',
        "",
        *way.section(),
        "",
        "[execution]",
        "# Without these words no host is disabled, switched off or on.",
        'power = ["disable", "shutdown", "power-on"]',
        "",
        "[spare]",
        "hosts = 1   # so many may fail, and all VMs start on the others; those that sleep do not count",
        "",
        *_window(wishes),
    ]
    return "\n".join(lines)


def _window(wishes: Wishes) -> list[str]:
    return [
        "# Migrations start only in this window, and none that would end after it.",
        "[[window]]",
        f"start = {_text(wishes.start)}",
        f"end = {_text(wishes.end)}",
        "",
    ]


def _text(words: str) -> str:
    """*words* as a string of TOML, whose escapes are those of JSON."""
    return json.dumps(words, ensure_ascii=False)
