"""Claims on pools in memory or served: several runs, each with a state folder of its own."""

from __future__ import annotations

from pathlib import Path

from rebalancer.execute.claim.keys import Asking, PoolKeys, at_once
from rebalancer.execute.claim.pool_claim import PoolClaim
from rebalancer.execute.live import Marks

POOL = "pool"


def claim_of(run: str, marks: Marks, folder: Path, pool: str = POOL, ask: Asking = at_once) -> PoolClaim:
    """The lock of *pool* for a run."""
    return PoolClaim(keys=PoolKeys(pool=pool, marks=marks, ask=ask), run=run, plan="sha256:1", state_dir=folder)
