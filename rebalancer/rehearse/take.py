"""What came of one rehearsed run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from rebalancer.errors import RebalancerError, StoppedHalfWay
from rebalancer.execute import RunResult
from rebalancer.inventory import Uuid
from rebalancer.simulator import Fault


class FinalPlace(Enum):
    """Where a VM is after a rehearsed run, seen from its plan."""

    ARRIVED = "arrived"
    NOT_MOVED = "not moved"
    ON_THE_WAY = "parked"
    ELSEWHERE = "elsewhere"
    HALTED = "halted"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """How a run ended: with a result, or with an error; after so many seconds.

    Args:
        seconds: from its start to its end, in the time of the simulated pool.
        result: where people need not look.
        error: where they have to, or where nothing was sent.
    """

    seconds: float
    result: RunResult | None = None
    error: RebalancerError | None = None

    @property
    def name(self) -> str:
        """One word for it: how the result ended, or the class of the error."""
        return self.result.ending.name.lower() if self.result else type(self.error).__name__

    @property
    def complete(self) -> bool:
        """Whether the whole plan is carried out."""
        return self.result is not None and self.result.complete

    @property
    def words(self) -> str:
        """One sentence for people."""
        return self.error.reason if isinstance(self.error, StoppedHalfWay) else str(self.result or self.error)


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBack:
    """The plan back from where a run stopped: how many steps, and how many VMs stay; or why there is none."""

    steps: int = 0
    stay: int = 0
    error: RebalancerError | None = None

    @property
    def whole(self) -> bool:
        """Whether every VM comes back to where the plan found it."""
        return self.error is None and self.stay == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One rehearsed run.

    Args:
        number: from 0 on.
        fault: what was to go wrong; None where nothing was.
        struck: whether it happened before the run ended.
        first: how the run ended.
        vms: where the VMs of the plan are then.
        lost: guests, of the plan or not, that ran before and do not run then.
        unknown: VMs of which the run did not know where they are.
        trouble: the step that did not end well.
        resumed: how it went on once all worked again; None for one that was complete.
        back: what `rollback` would have planned; None for one that was complete.
    """

    number: int
    fault: Fault | None
    struck: bool
    first: RunEnd
    vms: Mapping[Uuid, FinalPlace]
    lost: tuple[Uuid, ...]
    unknown: tuple[Uuid, ...]
    trouble: str | None
    resumed: RunEnd | None = None
    back: WayBack | None = None
