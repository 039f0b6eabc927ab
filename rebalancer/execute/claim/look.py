"""Whether a run writes to a pool, asked by whoever changes something in it without a run of its own."""

from __future__ import annotations

from pathlib import Path

from rebalancer.execute.claim.holder import Holder
from rebalancer.execute.claim.keys import PoolKeys, at_once
from rebalancer.execute.claim.pool_claim import PoolClaim
from rebalancer.execute.live import Live
from rebalancer.inventory import Uuid


def assert_unclaimed(live: Live, pool: Uuid, state_dir: Path | None = None) -> None:
    """Pass where no run holds the lock in *pool*, or a dead one; the caller holds the lock file of the state folder.

    Example:
        >>> import rebalancer as rb
        >>> way = rb.Credentials(user="root", password="secret")
        >>> with rb.simulator.Simulator(rb.simulator.demo_pool(), user="root", password="secret") as simulator:
        ...     with rb.connect(simulator.url, way) as live:
        ...         rb.execute.assert_unclaimed(live, live.read().uuid)

    Raises:
        PoolLocked: another run holds it.
        XapiError: the pool cannot be asked.
    """
    me = Holder.here("", "", Path(), state_dir)
    PoolClaim(keys=PoolKeys(pool=pool, marks=live.marks, ask=at_once), me=me, rest=lambda _: None).assert_free()
