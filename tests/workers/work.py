"""What workers are given in tests: by name, so that other processes find it."""

from __future__ import annotations

import os
from pathlib import Path

from rebalancer.errors import MetricsRefused


def double(number: int) -> int:
    """Twice *number*."""
    return 2 * number


def die_once(marker: Path, number: int) -> int:
    """Twice *number*; but the first process that is asked dies."""
    if not marker.exists():
        marker.touch()
        os._exit(9)
    return 2 * number


def die_always() -> int:
    """As a process dies that is killed."""
    os._exit(9)


def refuse(number: int) -> int:
    """Raise an error of ours."""
    raise MetricsRefused([f"no host sent any of {number}"])


def own_process() -> int:
    """The process in which this runs."""
    return os.getpid()
