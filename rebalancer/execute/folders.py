"""Where runs keep what outlives them: locks and journals."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from rebalancer.inventory import Uuid


def state_folder(wanted: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """*wanted*, else `$XDG_STATE_HOME/rebalancer`, else `~/.local/state/rebalancer`."""
    if wanted is not None:
        return wanted
    base = environ.get("XDG_STATE_HOME", "")
    return (Path(base) if base else Path.home() / ".local" / "state") / "rebalancer"


def lock_path(pool: Uuid, state_dir: Path | None = None) -> Path:
    """The lock file of *pool*."""
    return state_folder(state_dir) / "locks" / f"{pool}.lock"


def journal_path(digest: str, state_dir: Path | None = None) -> Path:
    """The journal of the plan with *digest*, where nobody names another."""
    return state_folder(state_dir) / "journals" / f"{digest.removeprefix('sha256:')}.jsonl"
