"""What the state of a VM, as XAPI reports it, says about a step."""

from __future__ import annotations

from dataclasses import dataclass

from rebalancer.execute.journal.outcome import StepState
from rebalancer.inventory import PowerState, Uuid
from rebalancer.placement import Migration
from rebalancer.xapi import Whereabouts

_ON_A_HOST = (PowerState.RUNNING, PowerState.PAUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The state of a step, and the look that it comes from; no look where the pool did not answer.

    `words` are what people should know of it that the state does not say.
    """

    state: StepState
    where: Whereabouts | None = None
    words: str = ""

    @property
    def note(self) -> str:
        """What people should know of it."""
        return self.words or (self.where.note if self.where else "")

    @property
    def power_state(self) -> str | None:
        """As XenAPI calls it."""
        return str(self.where.power_state) if self.where else None

    @property
    def resident_on(self) -> Uuid | None:
        """The host that the VM occupies."""
        return self.where.resident_on if self.where else None


def observed(move: Migration, where: Whereabouts) -> Observation:
    """What *where* says about *move*: moved, stayed, halted, elsewhere; unknown where a running VM has no host."""
    return Observation(state=_state(move, where), where=where)


def _state(move: Migration, where: Whereabouts) -> StepState:
    if where.power_state not in _ON_A_HOST:
        return StepState.HALTED
    if where.resident_on is None:
        return StepState.UNKNOWN
    at = {move.target: StepState.MOVED, move.source: StepState.STAYED}
    return at.get(where.resident_on, StepState.ELSEWHERE)


def is_migrating(where: Whereabouts) -> bool:
    """Whether a migration of the VM is visible (XAPI.md 4.5)."""
    return where.scheduled_to is not None or bool({"pool_migrate", "migrate_send"} & set(where.operations))


def is_busy(where: Whereabouts) -> bool:
    """Whether anything is being done to the VM."""
    return where.scheduled_to is not None or bool(where.operations)
