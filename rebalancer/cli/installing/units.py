"""The systemd units and the crontab line of an installation."""

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
STATE: Final = "/var/lib/rebalancer"
USER: Final = "rebalancer"
MAIL_TO: Final = "root"
AT: Final = "22:30"
UNITS: Final = {
    "service": "rebalancer-nightly.service",
    "timer": "rebalancer-nightly.timer",
    "failed": "rebalancer-failed@.service",
}
WAKING: Final = {"wake": "rebalancer-wake.service", "wake-timer": "rebalancer-wake.timer"}
"""Those that wake hosts, for pools in which some sleep."""
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
        policy: the policy file.
        state_dir: locks, journals and plans.
        user: who runs it.
        metrics_file: what node_exporter collects; None for none.
        mail_to: who hears of a night that failed.
        executes: whether plans are carried out.
        at: when a night begins, `22:30` by this machine's clock or `22:30 Europe/Berlin`.

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
        """Pass where systemd can read when a night begins."""
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
    def waking(self) -> list[str]:
        """The command that wakes hosts."""
        return [self.program, "wake", "--state-dir", self.state_dir, "--policy", self.policy]

    @property
    def is_usual(self) -> bool:
        """Whether policy and state are where the shipped units expect them, in folders that systemd makes."""
        return self.state_dir == STATE and str(PurePosixPath(self.policy).parent) == str(PurePosixPath(POLICY).parent)


def unit(kind: str, installation: Installation) -> str:
    """The text of a unit: the one that ships with the package, with the paths of *installation*."""
    text = files("rebalancer").joinpath("nightly", (UNITS | WAKING)[kind]).read_text(encoding="utf-8")
    usual = Installation()
    for here, there in ((usual.words, installation.words), (usual.waking, installation.waking)):
        text = text.replace(f"ExecStart={_command(here)}\n", f"ExecStart={_command(there)}\n")
    text = text.replace(f"User={USER}\n", f"User={installation.user}\n")
    text = text.replace(f"OnCalendar=*-*-* {AT}\n", f"OnCalendar=*-*-* {installation.at}\n")
    text = text.replace(f"\" {MAIL_TO}'", f"\" {quoted(installation.mail_to)}'")
    paths = [] if installation.is_usual else [installation.state_dir]
    if installation.metrics_file:
        paths.append(str(PurePosixPath(installation.metrics_file).parent))
    if paths:
        text = text.replace(METRICS_FOLDERS, f"ReadWritePaths={' '.join(map(quoted, paths))}")
    if not installation.is_usual:
        text = text.replace(OWN_FOLDERS, "")
    if any(PurePosixPath(path).parts[1] in HOMES for path in (installation.program, installation.policy, *paths)):
        text = text.replace(HIDDEN_HOMES, "ProtectHome=read-only")
    return text


def _command(words: list[str]) -> str:
    return " ".join(map(quoted, words))


def crontab_line(installation: Installation, now: datetime) -> str:
    """The line for the crontab of the user, where there is no systemd; cron reads a percent sign as a new line.

    Its hours are those of this machine, whose zone may be another one: as both are on the day of *now*.
    """
    program, *words = installation.words
    start, _, zone = installation.at.partition(" ")
    there = ZoneInfo(zone) if zone else now.astimezone().tzinfo
    begin = datetime.combine(now.astimezone(there).date(), time.fromisoformat(start), there).astimezone()
    return f"{begin.minute} {begin.hour} * * *  {shlex.join([program, '--log-format', 'text', *words])}".replace(
        "%", r"\%"
    )


def absolute(path: Path) -> str:
    """*path* as units need it."""
    return str(Path.cwd() / path)


def quoted(word: str) -> str:
    """*word* as systemd reads it back."""
    plain = word.replace("%", "%%")
    return f'"{plain}"' if " " in plain else plain
