"""What an operator is asked: on a terminal, or else by options, so that nothing waits for an answer in a script."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import typer

import rebalancer as rb
from rebalancer.cli.output import say
from rebalancer.errors import ConnectionSettingsError

COMPARE: Final = "openssl x509 -in /etc/xensource/xapi-ssl.pem -noout -fingerprint -sha256"


def has_answers() -> bool:
    """Whether somebody is there who can answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def credentials(file: Path | None) -> rb.Credentials:
    """Who logs in: by the file, by the environment, or as is answered.

    Raises:
        ConnectionSettingsError: nobody says.
    """
    if file:
        return rb.Credentials.from_file(file)
    known = {name: os.environ.get(name) for name in ("REBALANCER_USER", "REBALANCER_PASSWORD")}
    if all(known.values()) or not has_answers():
        return rb.Credentials.from_environment()
    user = known["REBALANCER_USER"] or typer.prompt("User", default="root", err=True)
    password = known["REBALANCER_PASSWORD"] or typer.prompt("Password", hide_input=True, err=True)
    return rb.Credentials(user=str(user), password=str(password))


def confirmed(shown: Mapping[str, str], given: Sequence[str]) -> tuple[str, ...]:
    """The fingerprints to pin: those that were *given*, and those of *shown* that somebody confirms.

    Args:
        shown: {host: SHA-256 of its certificate, which is not trusted so far}.
        given: what is pinned so far.

    Raises:
        ConnectionSettingsError: they are not confirmed.
    """
    if not shown:
        return tuple(given)
    for host, fingerprint in shown.items():
        say(f"{host} shows a certificate that nobody here vouches for, SHA-256 {fingerprint}")
    say(f"compare: on each of these hosts run  {COMPARE}")
    options = " ".join(f"--fingerprint {each}" for each in shown.values())
    if not has_answers():
        problem = f"the certificate of {', '.join(shown)} is not confirmed"
        raise ConnectionSettingsError("certificates", problem, f"Once they are the same, add {options}")
    if not typer.confirm("Are they the same?", default=False, err=True):
        raise ConnectionSettingsError("certificates", "they are not confirmed", "Find out who answers there")
    return (*given, *shown.values())
