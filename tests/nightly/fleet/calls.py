"""What workers are given in tests: by name, so that other processes find it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from rebalancer.errors import MetricsRefused


def add(one: int, other: int) -> int:
    """A sum."""
    return one + other


def die() -> None:
    """As a process dies that is killed."""
    os._exit(9)


def hang(*_: object) -> None:
    """Plan for ever, and say so with a file called `paused`."""
    Path("paused").touch()
    signal.pause()


def refuse() -> None:
    """Raise an error of ours."""
    raise MetricsRefused(["no host sent any"])
