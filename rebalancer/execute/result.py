"""How a run ended, where people need not look."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

from rebalancer.execute.journal.entries import Looked
from rebalancer.inventory import Uuid
from rebalancer.units import moment_in_words


class Ending(Enum):
    """Why nothing more was started."""

    COMPLETE = "all steps are done"
    DEADLINE = "the next step would not end in time"
    WINDOW = "the change windows of the plan's policy leave no time for the next step now"
    SET_ASIDE = "what is left failed, or waits for what failed; its VMs are where they were"
    HELD = "the VMs of what is left are blocked or busy"
    ON_HOLD = "the pool is on hold"
    CHANGED = "the pool changed while the run lasted"
    OVERLOADED = "a host is busier than the plan predicted"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldStep:
    """A step that was left: its VM was blocked or busy, it failed, or it waits for such a step. Why, in words."""

    step: str
    vm: Uuid
    vm_name: str
    words: str

    def __str__(self) -> str:
        return f"{self.step} {self.vm_name}: {self.words}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """A run that ended between two steps, in a legal state.

    Args:
        ending: why.
        done: ids of the plan's steps that are done, by this run or an earlier one.
        left: ids of those that were not started.
        looked: what the pool showed for the steps of this run, in their order.
        differences: how the pool differed from what the plan was made for, where that left the plan legal.
        journal: the journal; None where there was nothing to do.
        opens_at: when the next change window opens, where the windows ended the run.
        held: of those in `left`, those of VMs that were blocked or busy, those that failed, and what waits for them.
        failed: ids of those in `left` that failed in this run, and were set aside.
        noticed: memory that was not as it should be after steps, in words.
        why: what the ending does not say by itself, in words.
        timezone: IANA name of the zone that times are told in.
    """

    ending: Ending
    done: tuple[str, ...]
    left: tuple[str, ...]
    looked: tuple[Looked, ...] = ()
    differences: tuple[str, ...] = ()
    journal: Path | None = None
    opens_at: datetime | None = None
    held: tuple[HeldStep, ...] = ()
    failed: tuple[str, ...] = ()
    noticed: tuple[str, ...] = ()
    why: str = ""
    timezone: str = "UTC"

    @property
    def complete(self) -> bool:
        """Whether the whole plan is carried out."""
        return self.ending is Ending.COMPLETE

    def as_json(self) -> dict[str, object]:
        """For programs: plain values, times in UTC."""
        return {
            "done": self.done,
            "left": self.left,
            "ending": self.ending.name.lower(),
            "why": self.why,
            "journal": str(self.journal) if self.journal else None,
            "opens_at": self.opens_at.astimezone(UTC).isoformat() if self.opens_at else None,
            "noticed": self.noticed,
            "failed": self.failed,
            "waits": [asdict(each) for each in self.held],
        }

    def __str__(self) -> str:
        if not self.done and not self.left:
            return "nothing to do: the plan has no steps"
        left = f", left: {len(self.left)}" if self.left else ""
        again = f"; the next opens at {moment_in_words(self.opens_at, self.timezone)}" if self.opens_at else ""
        held = "".join(f"; {each}" for each in self.held)
        why = f": {self.why}" if self.why else ""
        noticed = "".join(f"; {each}" for each in self.noticed)
        return f"steps done: {len(self.done)}{left}; {self.ending.value}{why}{again}{held}{noticed}"
