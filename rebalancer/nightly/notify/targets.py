"""Where notifications go: URLs that hold secrets, by names that do not."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rebalancer.errors import ConnectionSettingsError
from rebalancer.files.kinds import TARGETS
from rebalancer.files.private import private_text
from rebalancer.policy import NotifyPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Somebody who is told.

    Args:
        name: what the policy calls it.
        url: the URL, which holds secrets and shows nowhere; "" where nothing says it.
        problem: why there is no URL, in words.
    """

    name: str
    url: str = field(default="", repr=False)
    problem: str = ""


def targets_of(wanted: NotifyPolicy, base: Path, environment: Mapping[str, str] = os.environ) -> tuple[Target, ...]:
    """Those whom *wanted* names, with paths relative to *base*; what cannot be found says so itself."""
    try:
        known = _in_file(base / wanted.credentials_file) if wanted.credentials_file else environment
    except ConnectionSettingsError as error:
        return tuple(Target(name=name, problem=str(error)) for name in wanted.to)
    where = wanted.credentials_file or "the environment"
    return tuple(
        Target(name=name, url=url) if (url := known.get(name, "")) else Target(name=name, problem=f"not in {where}")
        for name in wanted.to
    )


def _in_file(path: Path) -> dict[str, str]:
    """URLs by the names of a file with a line `NAME=URL` for each; lines that begin with # are comments.

    Raises:
        ConnectionSettingsError: it cannot be read, others may read it, or a line has another form.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(private_text(path, TARGETS).splitlines(), start=1):
        name, equals, url = line.partition("=")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not equals or not url.strip() or ":" in name:
            raise ConnectionSettingsError(str(path), f"line {number} is no NAME=URL", TARGETS.remedy)
        found[name.strip()] = url.strip()
    return found
