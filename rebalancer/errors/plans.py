"""A plan that cannot be made, is out of date, is not legal or not approved, and a run that ended between two steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rebalancer.errors.base import Listed, Located, RebalancerError


class NoLegalOrder(RebalancerError):
    """A placement is legal, but no sequence of migrations leads to it.

    Args:
        vms: names of the VMs that block each other.
        blockers: ids of the rules that block them.
    """

    def __init__(self, vms: Sequence[str], blockers: Sequence[str]) -> None:
        super().__init__(tuple(vms), tuple(blockers))
        self.vms, self.blockers = tuple(vms), tuple(blockers)

    def __str__(self) -> str:
        return (
            f"no legal order for moving {', '.join(self.vms)}: each waits for {', '.join(self.blockers)}. "
            "Free memory on one host, or plan with fewer moves."
        )


class SuspiciousPlan(RebalancerError):
    """A plan to balance touches so much of the pool that a wrong number is more likely behind it than load.

    Args:
        moved: VMs that it would move.
        guests: VMs that run in the pool.
        share: the largest share of them that the policy lets one plan move.
        sources: what most of them would leave, in words.
    """

    def __init__(self, moved: int, guests: int, share: float, sources: str) -> None:
        super().__init__(moved, guests, share, sources)
        self.moved, self.guests, self.share, self.sources = moved, guests, share, sources

    def __str__(self) -> str:
        return (
            f"the plan would move {self.moved} of {self.guests} VMs ({self.sources}), more than limits.sanity_share = "
            f"{self.share:g} allows: that looks more like a wrong number than like load. Look at what `check` and "
            "`plan` with limits.sanity_share = 1 in the policy tell; keep it there if the plan is right."
        )


class StalePlan(Listed):
    """The pool is no longer what the plan was made for; each reason is a difference."""

    what = "stale plan"
    remedy = "Make a new plan"


class StillMoving(StalePlan):
    """VMs of a plan are on their way, so that nobody can say from where it would be gone back; each reason is a VM."""

    what = "not at rest"
    remedy = "Wait until that is over, then start again"


class IllegalPlan(Listed):
    """A plan breaks a rule or contradicts itself; each reason is a finding, with step, state and rule."""

    what = "the plan is not legal"
    remedy = "Make a new plan"


class ApprovalRefused(Located):
    """A plan is not approved as it has to be, or its approval or a file cannot be used; nothing was sent."""

    def __str__(self) -> str:
        return f"not approved: {super().__str__()}"


class StoppedHalfWay(RebalancerError):
    """A run ended between two steps; people have to look.

    Args:
        reason: why it stopped, a line a fact.
        done: steps that are finished.
        left: steps that were not started.
        journal: the journal file that tells what happened; "" where none was begun, because nothing was sent.
        ways: what to type next, each after what it is for.
        plan: the folder of the plan, where nobody named it.
    """

    counted: ClassVar[str] = "steps"
    """What `done` and `left` count."""

    def __init__(
        self, reason: str, *, done: int, left: int, journal: str, ways: Mapping[str, str] | None = None, plan: str = ""
    ) -> None:
        super().__init__(reason, done, left, journal)
        self.reason, self.done, self.left, self.journal = reason, done, left, journal
        self.ways: Mapping[str, str] = ways or {}
        self.plan = plan

    @property
    def facts(self) -> tuple[str, ...]:
        """Why it stopped, the first line first, and what it was told beside."""
        first, *others = self.reason.split("\n")
        return (f"stopped: {first}", *others)

    def __str__(self) -> str:
        stopped = f"{'. '.join(self.facts)}; steps done: {self.done}, not started: {self.left}"
        if not self.journal:
            return f"{stopped}. Nothing was sent; apply the same plan again to begin it, or make a new one."
        return (
            f"{stopped}. The journal {self.journal} tells what happened; look at the pool, "
            "then apply the same plan again to resume, take it back, or make a new one."
        )

    def of_plan(self, folder: str) -> StoppedHalfWay:
        """The stop of a run whose plan is in *folder*."""
        return self._told(ways=self.ways, plan=folder)

    def with_ways(self, ways: Mapping[str, str]) -> StoppedHalfWay:
        """The stop with what to type next."""
        return self._told(ways=ways, plan=self.plan)

    def _told(self, *, ways: Mapping[str, str], plan: str) -> StoppedHalfWay:
        return type(self)(self.reason, done=self.done, left=self.left, journal=self.journal, ways=ways, plan=plan)


class RollingStopped(StoppedHalfWay):
    """The work on all hosts ended between two stages, or within one; `journal` is its trace, and stages are counted."""

    counted = "stages"

    def __str__(self) -> str:
        stopped = f"{'. '.join(self.facts)}; stages done: {self.done}, not done: {self.left}"
        return f"{stopped}. The trace {self.journal} tells what happened; look at the pool, then type the same again."


class PoolLocked(RebalancerError):
    """Another run holds the lock of this pool.

    Args:
        lock: the lock file, or the key in the pool.
        holder: who holds the key, and since when.
    """

    def __init__(self, lock: str, holder: str = "") -> None:
        super().__init__(lock, holder)
        self.lock, self.holder = lock, holder

    def __str__(self) -> str:
        held = f"{self.lock} is held" + (f" by {self.holder}" if self.holder else "")
        broken = (
            " If you know that it is dead, `rebalancer apply` with --break-lock breaks the lock, two minutes after "
            "it was last seen or later; after ten, and with no migration under way, any run does so by itself."
        )
        shown = "" if self.holder else "; `rebalancer status` with the same state folder shows how far it is"
        told = f"another run is writing to this pool ({held}). Wait for it to end, then start again{shown}."
        return told + (broken if self.holder else "")
