"""The systemd units and the crontab lines of an installation."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from datetime import datetime, time
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Final
from zoneinfo import ZoneInfo

from rebalancer.cli.installing.policy_text import CLOCK, assert_zone
from rebalancer.errors import InputError

PROGRAM: Final = "/opt/rebalancer/bin/rebalancer"
POLICY: Final = "/etc/rebalancer/nightly.toml"
SAVING_POLICY: Final = "/etc/rebalancer/saving.toml"
STATE: Final = "/var/lib/rebalancer"
USER: Final = "rebalancer"
MAIL_TO: Final = "root"
AT: Final = "22:30"
SLEEPS_AT: Final = "23:30"
UNITS: Final = {
    "service": "rebalancer-nightly.service",
    "timer": "rebalancer-nightly.timer",
    "failed": "rebalancer-failed@.service",
}
SAVING: Final = {
    "sleep": "rebalancer-sleep.service",
    "sleep-timer": "rebalancer-sleep.timer",
    "wake": "rebalancer-wake.service",
    "wake-timer": "rebalancer-wake.timer",
}
"""Those that put hosts to sleep and wake them, for pools in which some sleep."""
METRICS_FOLDERS: Final = "ReadWritePaths=-/var/lib/node_exporter -/var/lib/prometheus/node-exporter"
OWN_FOLDERS: Final = "StateDirectory=rebalancer\nConfigurationDirectory=rebalancer\n"
HIDDEN_HOMES: Final = "ProtectHome=yes"
HOMES: Final = frozenset({"home", "root"})
"""First parts of paths that ProtectHome= hides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Where things are on this machine.

    Args:
        program: the command, an absolute path.
        policy: the policy file, of nights or of hosts that sleep.
        state_dir: locks, journals and plans.
        user: who runs it.
        metrics_file: what node_exporter collects; None for none.
        mail_to: who hears of a night that failed.
        executes: whether plans are carried out.
        at: when a night begins, or hosts are put to sleep: `22:30` by this machine's clock or `22:30 Europe/Berlin`.

    Raises:
        InputError: *at* is no time of day.
    """

    program: str = PROGRAM
    policy: str = POLICY
    state_dir: str = STATE
    user: str = USER
    metrics_file: str | None = None
    mail_to: str = MAIL_TO
    executes: bool = True
    at: str = AT

    def __post_init__(self) -> None:
        """Pass where systemd can read when it begins."""
        hours, blank, zone = self.at.partition(" ")
        if not re.fullmatch(CLOCK, hours):
            raise InputError(f"--at {self.at}", "it is no time of day", "Write it like '22:30 Europe/Berlin'")
        if blank:
            assert_zone(zone, f"--at {self.at}")

    @property
    def words(self) -> list[str]:
        """The command of a night."""
        metrics = ["--metrics-file", self.metrics_file] if self.metrics_file else []
        execute = ["--execute"] if self.executes else []
        return [self.program, "nightly", *execute, "--state-dir", self.state_dir, *metrics, self.policy]

    @property
    def sleeping(self) -> list[str]:
        """The command that empties hosts and switches them off."""
        return [self.program, "sleep", "--execute", *self._saving]

    @property
    def waking(self) -> list[str]:
        """The command that wakes hosts."""
        return [self.program, "wake", *self._saving]

    @property
    def _saving(self) -> list[str]:
        return ["--state-dir", self.state_dir, "--policy", self.policy]

    @property
    def commands(self) -> tuple[list[str], ...]:
        """What units run."""
        return self.words, self.sleeping, self.waking

    @property
    def is_usual(self) -> bool:
        """Whether policy and state are where the shipped units expect them, in folders that systemd makes."""
        return self.state_dir == STATE and str(PurePosixPath(self.policy).parent) == str(PurePosixPath(POLICY).parent)


def usual_of(kind: str) -> Installation:
    """The installation that the shipped unit of that *kind* is for."""
    return Installation(policy=SAVING_POLICY, at=SLEEPS_AT) if kind in SAVING else Installation()


def unit(kind: str, installation: Installation) -> str:
    """The text of a unit: the one that ships with the package, with the paths of *installation*."""
    text = files("rebalancer").joinpath("nightly", (UNITS | SAVING)[kind]).read_text(encoding="utf-8")
    usual = usual_of(kind)
    for here, there in zip(usual.commands, installation.commands, strict=True):
        text = text.replace(f"ExecStart={_command(here)}\n", f"ExecStart={_command(there)}\n")
    text = text.replace(f"User={USER}\n", f"User={installation.user}\n")
    text = text.replace(f"OnCalendar=*-*-* {usual.at}\n", f"OnCalendar=*-*-* {installation.at}\n")
    text = text.replace(f"\" {MAIL_TO}'", f"\" {quoted(installation.mail_to)}'")
    paths = [] if installation.is_usual else [installation.state_dir]
    if installation.metrics_file:
        paths.append(str(PurePosixPath(installation.metrics_file).parent))
    written = f"ReadWritePaths={' '.join(map(quoted, paths))}" if paths else METRICS_FOLDERS
    text = text.replace(METRICS_FOLDERS, written)
    if not installation.is_usual:
        text = text.replace(OWN_FOLDERS, "" if written in text else f"{written}\n")
    if any(PurePosixPath(path).parts[1] in HOMES for path in (installation.program, installation.policy, *paths)):
        text = text.replace(HIDDEN_HOMES, "ProtectHome=read-only")
    return text


def _command(words: list[str]) -> str:
    return " ".join(map(quoted, words))


def crontab_line(words: list[str], at: str, now: datetime) -> str:
    """The line for the crontab of the user, where there is no systemd; cron reads a percent sign as a new line.

    Its hours are those of this machine, whose zone may be another one: as both are on the day of *now*.

    Args:
        words: the command.
        at: when, as in `Installation`.
        now: the moment, with a zone.
    """
    start, _, zone = at.partition(" ")
    there = ZoneInfo(zone) if zone else now.astimezone().tzinfo
    begin = datetime.combine(now.astimezone(there).date(), time.fromisoformat(start), there).astimezone()
    return _crontab(f"{begin.minute} {begin.hour} * * *", words)


def waking_line(installation: Installation) -> str:
    """The line that wakes hosts, as often as the timer does."""
    return _crontab("*/10 * * * *", installation.waking)


def _crontab(times: str, words: list[str]) -> str:
    program, *rest = words
    return f"{times}  {shlex.join([program, '--log-format', 'text', *rest])}".replace("%", r"\%")


def absolute(path: Path) -> str:
    """*path* as units need it."""
    return str(Path.cwd() / path)


def quoted(word: str) -> str:
    """*word* as systemd reads it back."""
    plain = word.replace("%", "%%")
    return f'"{plain}"' if " " in plain else plain
