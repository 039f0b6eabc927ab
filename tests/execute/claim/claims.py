"""Claims on pools in memory or served: several runs, each with a state folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from rebalancer.execute.claim.holder import Holder
from rebalancer.execute.claim.keys import Asking, PoolKeys, at_once
from rebalancer.execute.claim.pool_claim import PoolClaim
from rebalancer.execute.journal.entries import RunBegan
from rebalancer.execute.journal.journal import Journal
from rebalancer.execute.live import Marks

POOL = "pool"
AT = datetime(2026, 3, 1, 1, 30, tzinfo=UTC)


def claim_of(
    run: str,
    marks: Marks,
    folder: Path,
    *,
    pool: str = POOL,
    ask: Asking = at_once,
    rest: Callable[[Holder], None] = lambda _holder: None,
) -> PoolClaim:
    """The lock of *pool* for a run with this state folder, and a journal of its own in it."""
    path = folder / f"{run}.jsonl"
    if not path.exists():
        with Journal(path) as journal:
            journal.append(RunBegan(at=AT, plan="sha256:1", pool=pool, run=run))
    me = Holder.here(run, "sha256:1", path, folder)
    return PoolClaim(keys=PoolKeys(pool=pool, marks=marks, ask=ask), me=me, rest=rest)
