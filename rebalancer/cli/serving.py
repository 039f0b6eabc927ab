"""What the commands of the Workload Balancing server share."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import typer

from rebalancer.cli.installing.units import USER, absolute, quoted
from rebalancer.errors import InputError, MissingExtra

NEEDED: Final = ("cryptography", "defusedxml", "starlette", "uvicorn")
UNIT: Final = "rebalancer-wlb.service"
START: Final = "ExecStart=/opt/rebalancer/bin/rebalancer wlb serve\n"


def assert_served() -> None:
    """Pass where the extra `wlb` is installed.

    Raises:
        MissingExtra: it is not.
    """
    for name in NEEDED:
        if find_spec(name) is None:
            raise MissingExtra("the Workload Balancing server", name, extra="wlb")


def accounts_file(state_dir: Path | None) -> Path:
    """Where accounts are, where nobody names another file."""
    from rebalancer.execute import state_folder  # noqa: PLC0415 - help is quicker without it

    return state_folder(state_dir) / "wlb" / "accounts"


def password_for(name: str) -> str:
    """A new password: typed twice, or the first line of standard input where that is no terminal.

    Raises:
        InputError: there is none.
    """
    if sys.stdin.isatty():
        return str(typer.prompt(f"Password of {name}", hide_input=True, confirmation_prompt=True, err=True))
    if not (typed := sys.stdin.readline().rstrip("\r\n")):
        raise InputError("standard input", "there is no password on its first line", "Write it there, or type it")
    return typed


def put_account(file: Path, name: str, password: str) -> None:
    """Keep an account in *file*, whose folder is made where it is missing.

    Raises:
        ConnectionSettingsError: name or password cannot be used, or the file is something else.
        InputError: it cannot be written.
    """
    from rebalancer.wlb.accounts import keep_account  # noqa: PLC0415 - help is quicker without it

    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        keep_account(file, name, password)
    except OSError as error:
        raise InputError(str(file), f"it cannot be written: {error.strerror}", "Name another file") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class WlbUnit:
    """The systemd unit of a server, with the paths of an installation."""

    program: Path
    policy: Path
    listen: str
    certificate: Path
    key: Path
    user: str

    @property
    def text(self) -> str:
        """The unit that ships with the package, with the command of this installation."""
        words = [absolute(self.program), "wlb", "serve", absolute(self.policy), "--listen", self.listen]
        words += ["--tls-cert", absolute(self.certificate), "--tls-key", absolute(self.key)]
        words += ["--state-dir", "/var/lib/rebalancer"]
        text = files("rebalancer").joinpath("wlb", UNIT).read_text(encoding="utf-8")
        text = text.replace(START, f"ExecStart={' '.join(map(quoted, words))}\n")
        return text.replace(f"User={USER}\n", f"User={self.user}\n")
