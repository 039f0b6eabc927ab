"""Runs in which VMs go to another pool: two simulators, two logins, and everything that goes wrong between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rebalancer.errors import InventoryError, PoolLocked, StalePlan, StoppedHalfWay
from rebalancer.execute import Ending, RunOptions, execute, pool_lock, resume
from rebalancer.execute.journal.entries import Entry
from rebalancer.execute.journal.journal import Journal
from rebalancer.execute.journal.outcome import StepState
from rebalancer.inventory import Pool
from rebalancer.planner.rebalance import rebalance
from rebalancer.problem import make_problem
from rebalancer.rules import Rulebook
from rebalancer.verify.verify import verify_plan
from rebalancer.xapi import LivePool, Trust, live_pool
from tests.execute.scripted import MADE_AT
from tests.execute.stage import KEYS, StoppedClock
from tests.execute.two_stages import SENT, Stage, staged


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def stage(tmp_path: Path, calls: list[str]) -> Iterator[Stage]:
    """Two VMs of the first pool have to run in the second."""
    with staged(tmp_path, calls) as made:
        yield made


def test_vms_run_in_the_other_pool_afterwards(stage: Stage) -> None:
    """Gone from one, running in the other with their disks, each sent once; planned again, nothing is left to do."""
    result = stage.run()
    assert (result.ending, result.differences) == (Ending.COMPLETE, ())
    assert stage.calls.count(SENT) == len(stage.plan.steps)
    pool = stage.read()
    for step in stage.plan.steps:
        assert stage.found(step.vm) == ["", "Running"]
        assert pool.vms[step.vm].resident_on == step.target
        assert {drive.vdi for drive in pool.vms[step.vm].vbds if drive.vdi} <= pool.vdis.keys()
    assert verify_plan(stage.plan, pool, now=MADE_AT, done=set(result.done)) == ()
    again = make_problem(pool, None, stage.plan.policy)
    assert rebalance(Rulebook.of(again), made_at=MADE_AT).steps == ()


def test_no_session_is_left_behind_but_those_that_xapi_uses(stage: Stage) -> None:
    """Receivers that only served a question are logged out: there remains one for each VM that was sent."""
    before = [each.database.count("session") for each in (stage.home, stage.annex)]
    stage.run()
    after = [each.database.count("session") for each in (stage.home, stage.annex)]
    assert [now - then for now, then in zip(after, before, strict=True)] == [0, len(stage.plan.steps)]


@pytest.mark.parametrize("which", [0, 1])
def test_each_of_both_pools_is_locked(stage: Stage, which: int) -> None:
    """A run in either of them keeps this one out."""
    pool = list(stage.plan.made_from.pool_names)[which]
    with pool_lock(pool, stage.folder / "state"), pytest.raises(PoolLocked):
        _elsewhere(stage.run)
    assert SENT not in stage.calls


def _elsewhere(call: Callable[[], object]) -> None:
    """Call from another thread: a thread that holds a lock may take it again."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(call).result()


@pytest.mark.parametrize("line", range(1, 8))
def test_killed_after_any_line_it_goes_on_and_sends_nothing_twice(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, line: int
) -> None:
    """Whatever the journal ends with, also while a VM is known to both pools: the next run settles it."""
    written, append = 0, Journal.append

    def kill(self: Journal, entry: Entry) -> None:
        nonlocal written
        append(self, entry)
        written += 1
        if written == line:
            raise Killed

    monkeypatch.setattr(Journal, "append", kill)
    with pytest.raises(Killed):
        stage.run()
    monkeypatch.setattr(Journal, "append", append)
    assert stage.run(resume).ending is Ending.COMPLETE
    assert stage.calls.count(SENT) <= len(stage.plan.steps)
    for step in stage.plan.steps:
        assert stage.found(step.vm).count("Running") == 1


TROUBLES: dict[str, tuple[dict[str, dict[str, Any]], StepState, list[str], str]] = {
    "its record stays behind": ({"source-stays": {}}, StepState.UNKNOWN, ["Halted", "Running"], "both pools know"),
    "it fails": (
        {"move-fails": {"at": 0.5, "code": "VDI_COPY_FAILED"}},
        StepState.STAYED,
        ["Running", ""],
        "VDI_COPY_FAILED",
    ),
    "it fails and leaves copies": (
        {"copies-stay": {}, "move-fails": {"at": 0.99, "code": "VM_MIGRATE_FAILED"}},
        StepState.UNKNOWN,
        ["Running", "Halted"],
        "both pools know",
    ),
    "the toolstack restarts late": (
        {"toolstack-restart": {"at": 0.99, "outcome": "stayed"}},
        StepState.UNKNOWN,
        ["Running", "Halted"],
        "both pools know",
    ),
    "the VM halts": ({"vm-halts": {"at": 0.3}}, StepState.HALTED, ["Halted", ""], "the VM is halted"),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_after_any_trouble_people_are_told_where_the_vm_is(stage: Stage, trouble: str) -> None:
    """The run stops, the step that went wrong is in the state that both pools show, and the next VM is not sent."""
    faults, state, found, words = TROUBLES[trouble]
    for kind, settings in faults.items():
        stage.home.faults.add(kind, vm=stage.plan.steps[0].vm, **settings)
    with pytest.raises(StoppedHalfWay, match=words):
        stage.run()
    assert stage.looked() == [state]
    assert stage.found(stage.plan.steps[0].vm) == found
    assert stage.found(stage.plan.steps[1].vm) == ["Running", ""]


@pytest.mark.parametrize("begun", [True, False])
def test_a_leftover_that_a_killed_run_leads_to_stops_the_next_one(stage: Stage, *, begun: bool) -> None:
    """Gone on with, nothing is counted as not sent, and the VM is named; before any call it is a contradiction."""
    way: Callable[..., Any] = execute
    if begun:
        stage.home.faults.add("source-stays", vm=stage.plan.steps[1].vm)
        with pytest.raises(StoppedHalfWay):
            stage.run()
        way = resume
    else:
        _leave_a_record(stage)
    expected = StoppedHalfWay if begun else InventoryError
    with pytest.raises(expected, match="is in both") as stopped:
        stage.run(way)
    assert ("steps done: 1, not started: 0" in str(stopped.value)) == begun
    assert stage.calls.count(SENT) == (2 if begun else 0)


def _leave_a_record(stage: Stage) -> None:
    """A VM of the first pool has a halted twin in the second, of whatever origin."""
    there = stage.annex.database
    twin = next(row for _, row in there.items("VM") if row["power_state"] == "Running" and not row["is_control_domain"])
    ref = there.by_uuid("VM", twin["uuid"])
    there.change("VM", ref, uuid=stage.plan.steps[0].vm)


def test_a_vm_that_comes_a_second_time_is_found(stage: Stage) -> None:
    """What a failed migration wrote over there is gone, what the next one writes has other references: it is seen."""
    step = stage.plan.steps[0]
    with stage.open() as live:
        twin = next(vm.uuid for vm in live.read().vms.values() if vm.uuid != step.vm and vm.resident_on == step.target)
        before = live.whereabouts(twin)
        record = dict(stage.annex.database.get("VM", old := stage.annex.database.by_uuid("VM", twin)))
        stage.annex.database.remove("VM", old)
        stage.annex.database.add("VM", record)
        assert live.whereabouts(twin) == before


def test_a_toolstack_that_restarts_once_the_vm_has_arrived_does_no_harm(stage: Stage) -> None:
    """The task is gone, the VM is there, the rest is carried out."""
    stage.home.faults.add("toolstack-restart", vm=stage.plan.steps[0].vm, at=0.995, outcome="moved")
    assert stage.run().ending is Ending.COMPLETE


def test_an_answer_that_is_lost_sends_nothing_again(stage: Stage) -> None:
    """XAPI took the call, the connection broke: the VM is found in the other pool, and the run goes on."""
    stage.home.faults.add("connection-reset", method=SENT, skip=1)
    assert stage.run().ending is Ending.COMPLETE
    assert stage.calls.count(SENT) == len(stage.plan.steps)
    assert all(stage.found(step.vm) == ["", "Running"] for step in stage.plan.steps)


@pytest.mark.parametrize("method", ["VM.get_record", "task.get_record", "host.migrate_receive", SENT[len("Async.") :]])
@pytest.mark.parametrize("side", ["home", "annex"])
def test_sessions_that_expire_are_opened_again(stage: Stage, side: str, method: str) -> None:
    """Of either pool, at any call."""
    getattr(stage, side).faults.add("session-expires", method=method)
    assert stage.run().ending is Ending.COMPLETE
    assert all(stage.found(step.vm) == ["", "Running"] for step in stage.plan.steps)


def test_a_vm_that_arrives_between_both_looks_is_no_contradiction(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first pool is read while it still has the VM, the second once it is there: both are read again."""
    read, looks = LivePool.read, 0
    with stage.open() as live:
        before = live.read()
        stage.run()
        source = before.members[0]

        def late(self: LivePool) -> Pool:
            nonlocal looks
            looks += 1
            return source if looks == 1 else read(self)

        monkeypatch.setattr(LivePool, "read", late)
        pool = live.read()
    assert all(pool.vms[step.vm].resident_on == step.target for step in stage.plan.steps)
    assert looks == 4


def test_drift_in_the_other_pool_stops_the_run(stage: Stage) -> None:
    """A host of the other pool is disabled: nothing is sent, and it is named."""
    for ref, _ in stage.annex.database.items("host"):
        stage.annex.database.change("host", ref, enabled=False)
    with pytest.raises(StalePlan, match="is disabled"):
        stage.run()
    assert SENT not in stage.calls


def test_one_pool_alone_is_not_what_the_plan_is_for(stage: Stage) -> None:
    """Without the other login the plan is for other pools, and nothing is sent."""
    with live_pool(stage.home.url, KEYS, Trust()) as live, pytest.raises(StalePlan, match="the plan is for pools"):
        execute(stage.plan, live, RunOptions(journal=stage.journal, state_dir=stage.folder, clock=StoppedClock()))
    assert SENT not in stage.calls
