"""Nights with a VM whose migration fails every time: everybody else moves, and it is left alone for a while."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import rebalancer as rb
from rebalancer.execute import StepState, journal_path, note_ends
from rebalancer.execute.journal.entries import NOT_ARRIVED, Intended, Looked, RunBegan, Sent
from rebalancer.execute.journal.journal import Journal
from rebalancer.nightly import Access, NightlyResult, Verdict, plan_and_execute, plan_only
from rebalancer.policy import Policy
from rebalancer.simulator import Simulator
from rebalancer.xapi import Credentials
from tests.nightly.noon import NOON, POOL, TIMEOUTS, NoonClock
from tests.nightly.typed import typed_at
from tests.pools import policy_of

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
    stubborn = plan_only(access, policy_of(), state_dir=tmp_path / "first", clock=NoonClock()).plan.steps[0]
    simulator.faults.add("move-fails", vm=stubborn.vm, at=0.2, times=-1)
    first, second, third = (night(access, tmp_path, day) for day in range(3))
    assert (first.verdict, first.left, first.moved) == (Verdict.SET_ASIDE, 1, len(first.plan.steps) - 1)
    ended, left = first.lines
    assert ended.endswith("what is left failed, or waits for what failed; its VMs are where they were")
    assert left.startswith(f"{stubborn.id} {stubborn.vm_name}: the migration failed")
    assert second.verdict is Verdict.DONE
    assert stubborn.vm not in {step.vm for step in second.plan.steps}
    (warning,) = (each for each in second.plan.warnings if stubborn.vm_name in each)
    assert warning.startswith(f"VM {stubborn.vm_name}: its move failed at 2026-03-04 12:0")
    assert (first.left_alone, second.left_alone, third.left_alone) == ((), (warning,), ())
    assert second.as_json()["left_alone"] == [warning]
    assert (third.verdict, third.plan.warnings) == (Verdict.NOTHING_TO_DO, ())


def test_a_move_that_failed_unseen_counts(simulator: Simulator, tmp_path: Path) -> None:
    """A run was killed while a VM was under way, which did not arrive: the next nights leave it alone, and say why."""
    access = Access(url=simulator.url, connection=rb.Connection(credentials=KEYS))
    plan = plan_only(access, policy_of(), state_dir=tmp_path, clock=NoonClock()).plan
    step = plan.steps[0]
    call = Intended(at=NOON, step=step.id, vm=step.vm, source=step.source, target=step.target, marked=True)
    began = RunBegan(at=NOON, plan=plan.digest, pool=plan.made_from.pool)
    with Journal(journal_path(plan.digest, tmp_path)) as journal:
        for entry in (began, call, Sent(at=NOON, step=step.id, task="OpaqueRef:1")):
            journal.append(entry)
    first, second = night(access, tmp_path, 1), night(access, tmp_path, 2)
    assert first.moved > 0
    assert step.vm not in {each.vm for made in (first, second) for each in made.plan.steps}
    (warning,) = (each for each in first.plan.warnings if step.vm_name in each)
    assert NOT_ARRIVED in warning
    assert note_ends(rb.read(simulator.url, access.connection, metrics=False).pool, NOON + timedelta(3), tmp_path) == ()


def night(access: Access, state: Path, day: int) -> NightlyResult:
    """A night that executes."""
    return plan_and_execute(access, policy_of(), state_dir=state, clock=OnDay(day), timeouts=TIMEOUTS)


def test_who_is_left_alone_is_printed(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By a night of one pool, and by that of a fleet below its pool."""
    monkeypatch.delenv("COLUMNS", raising=False)  # lines are broken on terminals only
    typed = typed_at(simulator, tmp_path, monkeypatch, capsys)
    state, now = typed.folder / "state", datetime.now(UTC)
    plan = json.loads(typed.nightly("", "--json").out)["folder"]
    step, pool = rb.load(plan).steps[0], rb.load(plan).made_from.pool
    stayed = Looked(at=now, step=step.id, vm=step.vm, state=StepState.STAYED, power_state=None, resident_on=None)
    call = Intended(at=now, step=step.id, vm=step.vm, source=step.source, target=step.target)
    with Journal(journal_path("earlier", state)) as journal:
        for entry in (RunBegan(at=now, plan="earlier", pool=pool), call, stayed):
            journal.append(entry)
    alone = f"VM {step.vm_name}: its move failed at {now:%Y-%m-%d %H:%M} UTC with no reason given, and it is left alone"
    assert any(line.startswith(alone) for line in typed.nightly("").out.splitlines())
    (typed.folder / "fleet.toml").write_text('policies = ["p.toml"]\n', encoding="utf-8")
    told = typed.run("nightly", typed.folder / "fleet.toml", "--state-dir", state).out
    assert any(line.startswith(f"  {alone}") for line in told.splitlines())


def test_a_wish_that_only_a_stubborn_vm_could_keep_waits(simulator: Simulator, tmp_path: Path) -> None:
    """All else is done on the first night; the VM is tried again on the third alone, and named on each."""
    access = Access(url=simulator.url, connection=rb.Connection(credentials=KEYS))
    pool = rb.read(simulator.url, access.connection, metrics=False).pool
    stubborn, other, *_ = pool.resident_guests()
    goal = next(host for host in pool.hosts if host not in {stubborn.resident_on, other.resident_on})
    ties = [{"name": vm.name, "vms": [vm.uuid], "hosts": [goal], "hard": False} for vm in (stubborn, other)]
    policy = Policy.model_validate({"mode": "repair", "run_on": ties, "limits": {"solve_seconds": 1}})
    simulator.faults.add("move-fails", vm=stubborn.uuid, at=0.2, times=-1)
    nights = [
        plan_and_execute(access, policy, state_dir=tmp_path, clock=OnDay(day), timeouts=TIMEOUTS) for day in range(4)
    ]
    first, *later = [{step.vm for step in each.plan.steps} for each in nights]
    assert {stubborn.uuid, other.uuid} <= first
    assert later == [set(), {stubborn.uuid}, set()]
    assert [each.moved for each in nights] == [len(first) - 1, 0, 0, 0]
    named = [{*each.plan.warnings, *(step.vm_name for step in each.plan.steps)} for each in nights]
    assert all(any(stubborn.name in words for words in each) for each in named)
