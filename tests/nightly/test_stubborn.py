"""Nights with a VM whose migration fails every time: everybody else moves, and it is left alone for a while."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import rebalancer as rb
from rebalancer.nightly import Access, NightlyResult, Verdict, plan_and_execute, plan_only
from rebalancer.policy import Policy
from rebalancer.simulator import Simulator
from rebalancer.xapi import Credentials
from tests.nightly.noon import POOL, TIMEOUTS, NoonClock

KEYS = Credentials(user="root", password="simulator")


class OnDay(NoonClock):
    """Noon of another day, and time that passes."""

    def __init__(self, day: int) -> None:
        super().__init__()
        self.day = day

    def now(self) -> datetime:
        """So many days later."""
        return super().now() + timedelta(days=self.day)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A pool with two hot hosts."""
    with Simulator(POOL, speed=100.0, login_delay=0.0) as running:
        yield running


def test_a_stubborn_vm_stops_no_night(simulator: Simulator, tmp_path: Path) -> None:
    """All else is done on the first night; on the second it is named and left alone, and others relieve its host."""
    access = Access(url=simulator.url, connection=rb.Connection(credentials=KEYS))
    stubborn = plan_only(access, Policy(), state_dir=tmp_path / "first", clock=NoonClock()).plan.steps[0]
    simulator.faults.add("move-fails", vm=stubborn.vm, at=0.2, times=-1)
    first, second, third = (night(access, tmp_path, day) for day in range(3))
    assert (first.verdict, first.left, first.moved) == (Verdict.SET_ASIDE, 1, len(first.plan.steps) - 1)
    assert f"{stubborn.id} {stubborn.vm_name}: the migration failed" in str(first)
    assert second.verdict is Verdict.DONE
    assert stubborn.vm not in {step.vm for step in second.plan.steps}
    (warning,) = (each for each in second.plan.warnings if stubborn.vm_name in each)
    assert warning.startswith(f"VM {stubborn.vm_name}: its move failed at 2026-03-04 12:0")
    assert (third.verdict, third.plan.warnings) == (Verdict.NOTHING_TO_DO, ())


def night(access: Access, state: Path, day: int) -> NightlyResult:
    """A night that executes."""
    return plan_and_execute(access, Policy(), state_dir=state, clock=OnDay(day), timeouts=TIMEOUTS)
