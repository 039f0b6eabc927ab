"""Claims on pools in memory or served: several runs, each with a state folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from rebalancer.execute.claim.pool_claim import PoolClaim
from rebalancer.execute.live import Marks

Answer = TypeVar("Answer")

POOL = "pool"


def at_once(question: Callable[[], Answer]) -> Answer:
    """Ask once."""
    return question()


def claim_of(run: str, marks: Marks, folder: Path, pool: str = POOL) -> PoolClaim:
    """The lock of *pool* for a run."""
    return PoolClaim(pool=pool, marks=marks, ask=at_once, run=run, plan="sha256:1", state_dir=folder)
