"""A run that may not begin, or ended between two steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rebalancer.errors.base import RebalancerError

if TYPE_CHECKING:
    from collections.abc import Mapping


class StoppedHalfWay(RebalancerError):
    """A run ended between two steps; people have to look.

    Args:
        reason: why it stopped.
        done: steps that are finished.
        left: steps that were not started.
        journal: the journal file that tells what happened.
        ways: what to type next, each after what it is for.
        plan: the folder of the plan, where nobody named it.
    """

    def __init__(
        self, reason: str, *, done: int, left: int, journal: str, ways: Mapping[str, str] | None = None, plan: str = ""
    ) -> None:
        super().__init__(reason, done, left, journal)
        self.reason, self.done, self.left, self.journal = reason, done, left, journal
        self.ways: Mapping[str, str] = ways or {}
        self.plan = plan

    def __str__(self) -> str:
        return (
            f"stopped: {self.reason}; steps done: {self.done}, not started: {self.left}. "
            f"The journal {self.journal} tells what happened; look at the pool, "
            "then apply the same plan again to go on, take it back, or make a new one."
        )

    def of_plan(self, folder: str) -> StoppedHalfWay:
        """The same with the folder of the plan."""
        return self._told(ways=self.ways, plan=folder)

    def with_ways(self, ways: Mapping[str, str]) -> StoppedHalfWay:
        """The same with what to type next."""
        return self._told(ways=ways, plan=self.plan)

    def _told(self, *, ways: Mapping[str, str], plan: str) -> StoppedHalfWay:
        return StoppedHalfWay(self.reason, done=self.done, left=self.left, journal=self.journal, ways=ways, plan=plan)


class PoolLocked(RebalancerError):
    """Another run holds the lock of this pool.

    Args:
        lock: the lock file.
    """

    def __init__(self, lock: str) -> None:
        super().__init__(lock)
        self.lock = lock

    def __str__(self) -> str:
        return f"another run is writing to this pool ({self.lock} is held). Wait for it to end, then start again."
