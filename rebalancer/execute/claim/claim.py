"""The locks that a run needs: one in each pool of its plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from rebalancer.errors import PoolLocked, RefusedByXapi, XapiError
from rebalancer.execute.claim.holder import Holder
from rebalancer.execute.claim.keys import Asking, PoolKeys
from rebalancer.execute.claim.pool_claim import PoolClaim
from rebalancer.execute.judge.refusal import NOT_PERMITTED
from rebalancer.execute.live import Marks
from rebalancer.execute.options import Clock
from rebalancer.inventory import Uuid

RENEW_AFTER: Final = 60.0
"""Seconds after which a run shows that it lives: a tenth of what makes it stale."""


def new_run() -> str:
    """An id that no other run has."""
    return uuid4().hex[:16]


@dataclass(slots=True, kw_only=True)
class Claim:
    """The locks of the pools of one plan for the run with id *run*.

    Args:
        run: the id; it is in the journal before any lock is taken.
        pools: the pools, in the order in which they are locked.
        required: whether nothing is done without a lock that the user's role does not permit.
        held: whether the pools are locked, and each step is marked; False where the role did not permit it.
        lost: whether somebody else has taken a lock away.
    """

    run: str
    pools: tuple[PoolClaim, ...]
    clock: Clock
    required: bool
    held: bool = field(default=False, init=False)
    lost: bool = field(default=False, init=False)
    _renewed: float = field(default=0.0, init=False)

    @classmethod
    def of(
        cls,
        me: Holder,
        pools: Iterable[Uuid],
        *,
        marks: Marks,
        ask: Asking,
        clock: Clock,
        rest: Callable[[Holder], None],
        required: bool,
    ) -> Claim:
        """The claim of *me* on *pools*, in the order of their uuids, so that no two runs wait for each other.

        During *rest*, what a dead holder sent last arrives, or never will.
        """
        keys = [PoolKeys(pool=pool, marks=marks, ask=ask) for pool in sorted(pools)]
        claims = (PoolClaim(keys=each, me=me, rest=rest) for each in keys)
        return cls(run=me.run, pools=tuple(claims), clock=clock, required=required)

    def take(self, *, break_lock: bool) -> tuple[str, ...]:
        """Lock all pools, and return what people should know of it.

        Raises:
            PoolLocked: another run holds one.
            RefusedByXapi: the user's role does not permit it, and the policy requires it.
            Unreachable: a pool does not answer.
        """
        try:
            broken = [pool.take(break_lock=break_lock) for pool in self.pools]
        except (PoolLocked, XapiError) as error:
            self.release()
            if self.required or not isinstance(error, RefusedByXapi) or error.code != NOT_PERMITTED:
                raise
            return (f"the pool is not locked, as execution.pool_lock permits: {error.problem}",)
        self.held, self._renewed = True, self.clock.monotonic()
        return tuple(f"the lock of {each} was broken" for each in broken if each)

    def keep(self) -> None:
        """Show that the run lives, if that is due; `lost` tells from then on whether it still has its locks."""
        if not self.held or self.lost or self.clock.monotonic() < self._renewed + RENEW_AFTER:
            return
        with suppress(XapiError):  # it is due again at once
            self.lost = not all(pool.renew() for pool in self.pools)
            self._renewed = self.clock.monotonic()

    def is_ours(self) -> bool:
        """Whether the pools say so now; True where there is no lock.

        Raises:
            XapiError: one cannot be asked.
        """
        self.lost = self.lost or (self.held and not all(pool.is_ours() for pool in self.pools))
        return not self.lost

    def release(self) -> bool:
        """Free the locks that are taken; False where one stays in a pool that cannot be reached."""
        self.held = False
        left = [pool for pool in self.pools if pool.value and not _released(pool)]
        return not left


def _released(pool: PoolClaim) -> bool:
    try:
        pool.release()
    except XapiError:
        return False
    return True
