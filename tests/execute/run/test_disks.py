"""Runs in which a VM takes its disks along: against the simulator, and against a pool that plays what it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from rebalancer.errors import RefusedByXapi, StalePlan, StoppedHalfWay
from rebalancer.execute import RunOptions, execute, read_journal, resume
from rebalancer.execute.journal.entries import Looked
from rebalancer.execute.journal.outcome import StepState
from rebalancer.execute.judge.fitness import undone
from rebalancer.execute.run.migration import motion_of
from rebalancer.inventory import Pool
from rebalancer.inventory.digest import inventory_digest
from rebalancer.placement import Migration, Placement, disks_of
from rebalancer.plan import Plan
from rebalancer.plan.progress import made_already
from rebalancer.planner.rebalance import rebalance
from rebalancer.policy.execution import ExecutionPolicy
from rebalancer.problem import make_problem, pool_at
from rebalancer.rules import Rulebook
from rebalancer.simulator import Simulator, generate_pool
from rebalancer.verify.verify import verify_plan
from rebalancer.xapi import LivePool, Trust, live_pool
from tests.execute.carried import LOCAL, PLAN, options
from tests.execute.scripted import Script, ScriptedPool
from tests.execute.stage import KEYS, TIMEOUTS, StoppedClock
from tests.local_disks import local_problem, local_vm, with_disks
from tests.plan.made import LATER, plan_of
from tests.pools import policy_of

AT_ONCE = ExecutionPolicy(stop_after_failures=1)
POOL = generate_pool(hosts=4, vms=14, seed=3, fill=0.4, hot=0.0, pinned=0.5, days=1)


def carrier(pool: Pool) -> Migration:
    """A VM that may take its disks along, by its cheapest way."""
    problem = make_problem(pool, None, with_disks())
    ways = Rulebook.of(problem).routes
    for vm in pool.resident_guests():
        for host in pool.hosts.values():
            for way in ways.routes(vm, host):
                if way.disks:
                    return Migration(vm=vm.uuid, source=str(vm.resident_on), target=host.uuid, disks=way.disks)
    raise AssertionError("no VM of this pool can take its disks along")


class OnTime(StoppedClock):
    """Real waiting at an hour in which the plans here are fresh."""

    def now(self) -> datetime:
        """An hour after they were made."""
        return LATER


@dataclass(slots=True, kw_only=True)
class Stage:
    """A simulated pool, a live connection, a plan for one VM with its disks, and a place for the journal."""

    simulator: Simulator
    live: LivePool
    plan: Plan
    folder: Path

    def run(self, way: Callable[..., Any] = execute) -> Any:  # noqa: ANN401 - a result
        """Carry the plan out, or go on with it."""
        options = RunOptions(
            journal=self.folder / "journal.jsonl", state_dir=self.folder / "state", clock=OnTime(), timeouts=TIMEOUTS
        )
        return way(self.plan, self.live, options)

    def srs(self) -> list[str]:
        """The SR behind each drive that the plan names, now."""
        pool = self.live.read()
        (step,) = self.plan.steps
        behind = {drive.uuid: disk.sr for drive, disk in disks_of(pool.vms[step.vm], pool)}
        return [behind[disk.drive] for disk in step.disks]

    def state(self) -> list[StepState]:
        """What the journal says of each look."""
        return [each.state for each in read_journal(self.folder / "journal.jsonl") if isinstance(each, Looked)]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Four hosts and a VM on a local SR."""
    with (
        Simulator(POOL, speed=1000.0, login_delay=0.0) as simulator,
        live_pool(simulator.url, KEYS, Trust()) as live,
    ):
        problem = make_problem(live.read(), None, with_disks().model_copy(update={"execution": AT_ONCE}))
        plan = plan_of(problem, problem.initial.after(carrier(problem.pool)))
        yield Stage(simulator=simulator, live=live, plan=plan, folder=tmp_path)


def test_vm_arrives_with_its_disks(stage: Stage) -> None:
    """The VM runs on its target, its disk is on the new SR, the old SR has its space back, nothing is left to do."""
    (step,) = stage.plan.steps
    before = stage.live.read()
    assert stage.run().complete
    after = stage.live.read()
    assert (after.vms[step.vm].resident_on, stage.srs()) == (step.target, [disk.target for disk in step.disks])
    for disk in step.disks:
        assert disk.disk not in after.vdis
        assert after.srs[disk.source].physical_utilisation_bytes < before.srs[disk.source].physical_utilisation_bytes
    assert made_already(stage.plan, after) == {step.id}


def test_what_was_done_is_no_drift(stage: Stage) -> None:
    """With the copies called as their originals were, the pool after the run is the one that the plan was made from."""
    (step,) = stage.plan.steps
    stage.run()
    back = undone(stage.plan, {step.id}, stage.live.read())
    assert inventory_digest(back) == stage.plan.made_from.inventory_digest


def test_lost_answer_is_looked_through(stage: Stage) -> None:
    """XAPI took the call and the answer is lost: the VM is watched until it has arrived, disks included."""
    stage.simulator.faults.add("connection-reset", method="Async.VM.migrate_send")
    assert stage.run().complete
    assert stage.state() == [StepState.MOVED]


def test_full_sr_fails_half_way_and_stops(stage: Stage) -> None:
    """The SR fills up after the look: VM and disks stay, copies may be left, and people are told where."""
    (step,) = stage.plan.steps
    stage.simulator.faults.add(
        "move-fails", vm=step.vm, at=0.3, code="SR_BACKEND_FAILURE_44", params="There is insufficient space"
    )
    with pytest.raises(StoppedHalfWay, match="SR_BACKEND_FAILURE_44") as stopped:
        stage.run()
    assert f"copies of its disks may be left on {step.disks[0].target_name} of {step.target_name}" in str(stopped.value)
    assert (stage.state(), stage.srs()) == ([StepState.STAYED], [disk.source for disk in step.disks])
    assert stage.run(resume).complete


def test_licence_that_is_gone_stops_before_anything_is_sent(stage: Stage) -> None:
    """It was taken away after the plan was made: the plan is stale."""
    database = stage.simulator.database
    (pool,) = database.all("pool")
    database.change("pool", pool, restrictions={"restrict_storage_xen_motion": "true"})
    with pytest.raises(StalePlan, match="licence"):
        stage.run()
    assert stage.srs() == [disk.source for disk in stage.plan.steps[0].disks]


@pytest.mark.parametrize(("outcome", "arrived"), [("moved", True), ("stayed", False)])
def test_toolstack_restart_moves_vm_and_disks_or_neither(stage: Stage, outcome: str, arrived: bool) -> None:
    """All tasks are cancelled: what counts is where VM and disks are."""
    (step,) = stage.plan.steps
    stage.simulator.faults.add("toolstack-restart", vm=step.vm, at=0.99, outcome=outcome)
    if arrived:
        assert stage.run().complete
    else:
        with pytest.raises(StoppedHalfWay, match="still runs on"):
            stage.run()
    expected = [disk.target if arrived else disk.source for disk in step.disks]
    assert stage.srs() == expected


def test_xapi_is_asked_with_the_whole_map(stage: Stage) -> None:
    """Both questions pass for a legal move, and a map that lacks a disk is refused by its code."""
    (step,) = stage.plan.steps
    motion = motion_of(step, stage.live.read())
    stage.live.assert_may_migrate_with_disks(motion)
    with pytest.raises(RefusedByXapi) as refused:
        stage.live.assert_may_migrate_with_disks(replace(motion, sr_of={}))
    assert refused.value.code == "VDI_NOT_IN_MAP"


def test_solver_checker_and_pool_agree_on_the_way(stage: Stage) -> None:
    """A VM on a local SR that is to run elsewhere: planned, verified, carried out, and nothing is left to do."""
    (step,) = stage.plan.steps
    wish = {"name": "elsewhere", "vms": [step.vm], "hosts": [step.target]}
    policy = policy_of(
        mode="repair",
        storage_motion={"enabled": True},
        run_on=[wish],
        intent={"vm_groups": "ignore", "read_tags": False},
    )
    now = OnTime().now()
    made = rebalance(Rulebook.of(make_problem(stage.live.read(), None, policy)), made_at=now)
    assert [(each.vm, each.target, bool(each.disks)) for each in made.steps] == [(step.vm, step.target, True)]
    assert verify_plan(made, stage.live.read(), now=now) == ()
    stage.plan = made
    assert stage.run().complete
    again = rebalance(Rulebook.of(make_problem(stage.live.read(), None, policy)), made_at=now)
    assert again.steps == ()


def test_vm_that_arrives_without_its_disk_stops_the_run(tmp_path: Path) -> None:
    """The VM is on its target, its disk is not: nobody calls that moved."""
    live = ScriptedPool(LOCAL.pool, web=Script())
    with pytest.raises(StoppedHalfWay, match="the VM has arrived, and not all of its disks have") as stopped:
        execute(PLAN, live, options(tmp_path))
    assert "disk web-disk0 is on l1, not on l2" in str(stopped.value)
    (motion,) = live.motions
    assert (motion.network, motion.sr_of) == ("lan", {"web-disk0": "l2"})


def test_disk_that_somebody_moved_before_makes_the_plan_stale(tmp_path: Path) -> None:
    """The disk went to the shared SR meanwhile: nothing is sent."""
    moved = pool_at(LOCAL.pool, Placement({}, {"web": {"web-xvd0": "shared"}}))
    live = ScriptedPool(moved)
    with pytest.raises(StalePlan, match="disk web-disk0 of VM web is on SR shared, not on l1"):
        execute(PLAN, live, options(tmp_path))
    assert live.sent == []


def test_host_without_management_interface_receives_nothing() -> None:
    """There is no network to receive disks on, and the words say so."""
    with pytest.raises(StalePlan, match="host h2 has no management interface to receive disks on"):
        motion_of(PLAN.steps[0], local_problem(local_vm("web")).pool)
