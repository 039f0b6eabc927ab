"""What a look says."""

from __future__ import annotations

import pytest

from rebalancer.execute.journal.outcome import StepState
from rebalancer.execute.run.observation import is_busy, is_migrating, observed
from rebalancer.inventory import PowerState
from rebalancer.placement import Migration
from rebalancer.xapi import Whereabouts

MOVE = Migration(vm="vm", source="h1", target="h2")


@pytest.mark.parametrize(
    ("power_state", "host", "state"),
    [
        (PowerState.RUNNING, "h1", StepState.STAYED),
        (PowerState.RUNNING, "h2", StepState.MOVED),
        (PowerState.RUNNING, "h3", StepState.ELSEWHERE),
        (PowerState.RUNNING, None, StepState.UNKNOWN),
        (PowerState.PAUSED, "h1", StepState.STAYED),
        (PowerState.HALTED, None, StepState.HALTED),
        (PowerState.SUSPENDED, None, StepState.HALTED),
    ],
)
def test_power_state_and_host_decide(power_state: PowerState, host: str | None, state: StepState) -> None:
    """Nothing else does: neither a task nor what is scheduled."""
    where = Whereabouts(power_state=power_state, resident_on=host, scheduled_to="h2", operations=("pool_migrate",))
    assert observed(MOVE, where).state is state


@pytest.mark.parametrize(
    ("scheduled", "operations", "migrating", "busy"),
    [
        (None, (), False, False),
        ("h2", (), True, True),
        (None, ("pool_migrate",), True, True),
        (None, ("migrate_send",), True, True),
        (None, ("snapshot",), False, True),
    ],
)
def test_what_is_under_way(scheduled: str | None, operations: tuple[str, ...], migrating: bool, busy: bool) -> None:
    """A migration shows in the operations or in the reservation; anything makes a VM busy."""
    where = Whereabouts(power_state=PowerState.RUNNING, resident_on="h1", scheduled_to=scheduled, operations=operations)
    assert (is_migrating(where), is_busy(where)) == (migrating, busy)
