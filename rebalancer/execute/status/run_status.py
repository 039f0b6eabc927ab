"""What there is to know of a run from outside of its process: how far it is, and when it will be done."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from rebalancer.execute.journal.outcome import StepState
from rebalancer.execute.status.notes import Notes
from rebalancer.inventory import Uuid


class RunState(StrEnum):
    """Whether a run is under way."""

    UNBEGUN = "not begun"
    RUNNING = "running"
    ENDED = "ended"
    KILLED = "killed"


class StepStage(StrEnum):
    """How far a step is."""

    DONE = "done"
    UNDER_WAY = "under way"
    HELD = "held"
    LEFT = "left"
    FAILED = "failed"
    UNSETTLED = "unsettled"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStatus:
    """A step of a run.

    Args:
        id: of the step.
        vm: uuid.
        vm_name: as the plan calls it.
        source_name: the host that it leaves.
        target_name: the host that it comes to.
        stage: how far it is.
        state: what the journal says last of it.
        progress: how far its migration is, 0 to 1, where it is under way.
        seconds: how long it took, or has been under way; None where neither is known.
        ends_at: when it will be done, where that can be told.
        words: what it waits for, or how it failed.
    """

    id: str
    vm: Uuid
    vm_name: str
    source_name: str
    target_name: str
    stage: StepStage
    state: StepState
    progress: float | None = None
    seconds: float | None = None
    ends_at: datetime | None = None
    words: str = ""

    def as_json(self) -> dict[str, object]:
        """For programs: plain values, times in UTC."""
        return asdict(self) | {"ends_at": _utc(self.ends_at)}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatus:
    """The newest run of a plan.

    Args:
        state: whether it is under way.
        plan: the digest of the plan.
        pool: uuid of its pool.
        pool_name: what that is called; its uuid where the plan is not at hand.
        journal: the journal.
        notes: what the run tells of itself; None for runs of versions that left none.
        began_at: when the run began; an earlier run of the same plan may have made steps before.
        last_at: the last sign of it.
        ends_at: when all that can be told will be done, while it is under way.
        words: why nothing more is started, or how it ended.
        locked: whether a process holds the lock of the pool, be it for another run.
        steps: the steps; only those that the journal names, where the plan is not at hand.
        timezone: IANA name of the zone that people are told times in.
    """

    state: RunState
    plan: str
    pool: Uuid
    pool_name: str
    journal: Path
    notes: Notes | None = None
    began_at: datetime | None = None
    last_at: datetime | None = None
    ends_at: datetime | None = None
    words: str = ""
    locked: bool = False
    steps: tuple[StepStatus, ...] = ()
    timezone: str = "UTC"

    def count(self, stage: StepStage) -> int:
        """How many steps are so far."""
        return sum(step.stage is stage for step in self.steps)

    @property
    def resume(self) -> str:
        """What to type to go on, where there is something to go on with and somebody has said how."""
        over = self.state is RunState.RUNNING or self.count(StepStage.DONE) == len(self.steps)
        return self.notes.origin.resume if self.notes and not over else ""

    def as_json(self) -> dict[str, object]:
        """For programs: plain values, times in UTC."""
        notes = self.notes
        return {
            "state": self.state,
            "plan": self.plan,
            "folder": notes.origin.folder if notes else "",
            "pool": self.pool,
            "pool_name": self.pool_name,
            "journal": str(self.journal),
            "began_at": _utc(self.began_at),
            "last_at": _utc(self.last_at),
            "ends_at": _utc(self.ends_at),
            "user": notes.user if notes else "",
            "host": notes.host if notes else "",
            "process": notes.process if notes else "",
            "locked": self.locked,
            "words": self.words,
            "resume": self.resume,
            "steps": [step.as_json() for step in self.steps],
        }


def _utc(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None
