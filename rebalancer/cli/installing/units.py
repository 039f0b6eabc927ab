"""The systemd units and the crontab line of an installation."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Final

PROGRAM: Final = "/opt/rebalancer/bin/rebalancer"
POLICY: Final = "/etc/rebalancer/nightly.toml"
STATE: Final = "/var/lib/rebalancer"
USER: Final = "rebalancer"
MAIL_TO: Final = "root"
UNITS: Final = {
    "service": "rebalancer-nightly.service",
    "timer": "rebalancer-nightly.timer",
    "failed": "rebalancer-failed@.service",
}
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
    """

    program: str = PROGRAM
    policy: str = POLICY
    state_dir: str = STATE
    user: str = USER
    metrics_file: str | None = None
    mail_to: str = MAIL_TO
    executes: bool = True

    @property
    def words(self) -> list[str]:
        """The command of a night."""
        metrics = ["--metrics-file", self.metrics_file] if self.metrics_file else []
        execute = ["--execute"] if self.executes else []
        return [self.program, "nightly", *execute, "--state-dir", self.state_dir, *metrics, self.policy]

    @property
    def is_usual(self) -> bool:
        """Whether policy and state are where the shipped units expect them, in folders that systemd makes."""
        return self.state_dir == STATE and str(PurePosixPath(self.policy).parent) == str(PurePosixPath(POLICY).parent)


def unit(kind: str, installation: Installation) -> str:
    """The text of a unit: the one that ships with the package, with the paths of *installation*."""
    text = files("rebalancer").joinpath("nightly", UNITS[kind]).read_text(encoding="utf-8")
    usual = " ".join(map(_quoted, Installation().words))
    text = text.replace(f"ExecStart={usual}\n", f"ExecStart={' '.join(map(_quoted, installation.words))}\n")
    text = text.replace(f"User={USER}\n", f"User={installation.user}\n")
    text = text.replace(f"\" {MAIL_TO}'", f"\" {_quoted(installation.mail_to)}'")
    paths = [] if installation.is_usual else [installation.state_dir]
    if installation.metrics_file:
        paths.append(str(PurePosixPath(installation.metrics_file).parent))
    if paths:
        text = text.replace(METRICS_FOLDERS, f"ReadWritePaths={' '.join(map(_quoted, paths))}")
    if not installation.is_usual:
        text = text.replace(OWN_FOLDERS, "")
    if any(PurePosixPath(path).parts[1] in HOMES for path in (installation.program, installation.policy, *paths)):
        text = text.replace(HIDDEN_HOMES, "ProtectHome=read-only")
    return text


def crontab_line(installation: Installation) -> str:
    """The line for the crontab of the user, where there is no systemd; cron reads a percent sign as a new line."""
    program, *words = installation.words
    return f"30 22 * * *  {shlex.join([program, '--log-format', 'text', *words])}".replace("%", r"\%")


def absolute(path: Path) -> str:
    """*path* as units need it."""
    return str(Path.cwd() / path)


def _quoted(word: str) -> str:
    """*word* as systemd reads it back."""
    plain = word.replace("%", "%%")
    return f'"{plain}"' if " " in plain else plain
