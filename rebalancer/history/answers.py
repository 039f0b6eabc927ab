"""What the history answers with, and the time that questions are about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, and_

from rebalancer.execute import StepState
from rebalancer.inventory import Uuid
from rebalancer.units import FIRST_YEAR

AHEAD = timedelta(days=3650)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The time from `since`, up to `until` and without it."""

    since: datetime
    until: datetime

    @classmethod
    def up_to(cls, until: datetime) -> Period:
        """All that was before."""
        return cls(since=datetime(FIRST_YEAR, 1, 1, tzinfo=UTC), until=until)

    @classmethod
    def last(cls, days: int) -> Period:
        """So many days up to now, and what is said to have been later: pools to practise on may be ahead."""
        now = datetime.now(UTC)
        return cls(since=now - timedelta(days=days), until=now + AHEAD)

    def holds(self, column: ColumnElement[datetime]) -> ColumnElement[bool]:
        """Whether a moment of a table is within."""
        return and_(column >= self.since, column < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class NightRow:
    """A night, see `nights.NightRecord`."""

    began_at: datetime
    ended_at: datetime
    policy: str
    pool: str
    pool_uuid: Uuid
    verdict: str
    exit_code: int
    steps: int
    done: int
    words: str
    plan: str
    folder: str
    capacity_pcpus: float | None
    busiest_pcpus: float | None
    memory_total_bytes: int | None
    memory_used_bytes: int | None

    @property
    def left(self) -> int:
        """Steps that were planned and not carried out."""
        return self.steps - self.done


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRow:
    """A try to move a VM: what the pool showed afterwards, `at` which moment, and why it failed, if it did.

    Names are those of the plan; uuids where no plan is known. `gib` and `seconds` are None where nobody knows them.
    """

    at: datetime
    pool_uuid: Uuid
    vm: str
    vm_uuid: Uuid
    source: str
    source_uuid: Uuid
    target: str
    target_uuid: Uuid
    state: str
    gib: float | None
    seconds: float | None
    words: str
    plan: str
    step: str

    @property
    def moved(self) -> bool:
        """Whether the VM arrived."""
        return self.state == StepState.MOVED.value


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedHostRow:
    """A host as a plan found it, and as it should leave it; see `plan.HostState`."""

    made_at: datetime
    pool_uuid: Uuid
    host: str
    host_uuid: Uuid
    threshold_share: float
    peak_before_share: float | None
    peak_after_share: float | None
    overload_before_pcpu_hours: float | None
    overload_after_pcpu_hours: float | None
    plan: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveRow:
    """An objective before and after a plan, and what no placement is below."""

    made_at: datetime
    pool_uuid: Uuid
    objective: str
    unit: str
    before: float
    after: float
    bound: float
    proved: bool
    plan: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """The day after a run, see `outcome.LoadCheck`."""

    since: datetime
    until: datetime
    pool_uuid: Uuid
    overload_predicted_pcpu_hours: float
    overload_measured_pcpu_hours: float
    overload_unmoved_pcpu_hours: float
    elsewhere: int
    plan: str

    @property
    def saved_pcpu_hours(self) -> float:
        """Overload that the moves spared the pool."""
        return self.overload_unmoved_pcpu_hours - self.overload_measured_pcpu_hours


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedHostRow:
    """The busiest hour of a host in the day after a run, as it was predicted and as it came."""

    since: datetime
    pool_uuid: Uuid
    host: str
    host_uuid: Uuid
    peak_predicted_share: float
    peak_measured_share: float
    plan: str

    @property
    def error_share(self) -> float:
        """How far the measured peak is above the predicted one; below it, it is negative."""
        return self.peak_measured_share - self.peak_predicted_share
