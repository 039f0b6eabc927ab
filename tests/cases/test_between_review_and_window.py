"""What happens to a pool between the review of a plan and its window: labels change, backups run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import rebalancer as rb
from rebalancer.face.prove import prove
from rebalancer.plan import Step
from rebalancer.rules import Rulebook
from rebalancer.rules.vm.op_not_blocked import OpNotBlocked
from rebalancer.simulator import Simulator
from tests.cases.served import WAY, served, state_in
from tests.pools import policy_of

NOW = datetime(2026, 11, 29, 2, 0, tzinfo=UTC)
RENAMED, BACKED_UP = "025-vm-renamed-after-planning", "034-backup-blocks-one-vm"


@pytest.fixture
def case(shared_data: Callable[[str], Path]) -> Callable[[str, str], Path]:
    """A file of a reported case."""
    return lambda name, file: shared_data(f"cases/reports/{name}/{file}")


def planned(file: Path, **sections: Any) -> rb.Proposal:  # noqa: ANN401 - any section
    """The plan for the pool in *file*, solved in little time; *sections* are those of its policy."""
    policy = policy_of(**{"limits": {"solve_seconds": 5.0}, **sections})
    return rb.rebalance(rb.Model(state_in(file), policy))


def test_renamed_vms_void_no_plan(case: Callable[[str, str], Path], tmp_path: Path) -> None:
    """Case 025: four VMs that move have other labels by now; the plan is accepted, told about and carried out."""
    plan = planned(case(RENAMED, "before.json.gz"))
    with served(case(RENAMED, "after.json.gz")) as simulator:
        now = rb.read(simulator.url, WAY, metrics=False)
        renamed = [step.vm_name for step in plan.steps if now.pool.vms[step.vm].name != step.vm_name]
        assert renamed
        assert rb.verify(plan, now) == ()
        words = {f"VM {name} is now called renamed {name}" for name in renamed}
        assert words <= {each.words for each in rb.diff(plan, now)}
        assert {each.kind for each in rb.diff(plan, now)} == {"name"}
        with rb.connect(simulator.url, WAY) as live:
            run = rb.apply(plan, live, state_dir=tmp_path)
        assert run.complete
        assert words <= set(run.differences)


class FreesOnceAllElseIsDone(rb.execute.RunReporter):
    """Ends the backup once so many steps are over; remembers what was waited for."""

    def __init__(self, simulator: Simulator, others: int) -> None:
        self.simulator, self.others = simulator, others
        self.waits: list[tuple[str, str]] = []

    def step_waits(self, step: Step, why: str) -> None:
        """Remember it."""
        self.waits.append((step.vm, why))

    def step_ended(self, step: Step, looked: rb.execute.Looked) -> None:  # noqa: ARG002 - the interface's
        """Count, and take the block away after the last."""
        self.others -= 1
        if self.others == 0:
            for ref, vm in self.simulator.database.items("VM"):
                if vm["blocked_operations"]:
                    self.simulator.database.change("VM", ref, blocked_operations={})


def test_a_backup_holds_its_own_step(case: Callable[[str, str], Path], tmp_path: Path) -> None:
    """Case 034: one VM of eight is being backed up when its plan is carried out; the others move, and it does later."""
    plan = planned(case(BACKED_UP, "before.json.gz"))
    with served(case(BACKED_UP, "after.json.gz")) as simulator:
        now = rb.read(simulator.url, WAY, metrics=False)
        (step,) = [step for step in plan.steps if now.pool.vms[step.vm].blocked_operations]
        others = [each.id for each in plan.steps if step.id not in {each.id, *each.after}]
        assert others
        proof = prove(plan, now)
        words = "a backup is running: its operation pool_migrate is blocked: Backup in progress"
        assert (proof.findings, proof.waits) == ((), (f"{step.id} waits: {step.vm_name}: {words}",))
        watch = FreesOnceAllElseIsDone(simulator, len(others))
        quick = rb.execute.Timeouts(poll=0.02, held=0.05)
        with rb.connect(simulator.url, WAY) as live:
            run = rb.apply(plan, live, state_dir=tmp_path, reporter=watch, timeouts=quick)
        assert run.complete
        assert [each.step for each in run.looked[: len(others)]] != [each.id for each in plan.steps][: len(others)]
        assert (step.vm, words) in watch.waits


def test_a_backup_that_does_not_end_leaves_its_step(case: Callable[[str, str], Path], tmp_path: Path) -> None:
    """Without patience: seven steps are made, one is left with its reason, and the plan goes on when it ends."""
    plan = planned(case(BACKED_UP, "before.json.gz"), execution={"patience_minutes": 0})
    with served(case(BACKED_UP, "after.json.gz")) as simulator, rb.connect(simulator.url, WAY) as live:
        run = rb.apply(plan, live, state_dir=tmp_path)
        assert run.ending is rb.execute.Ending.HELD
        left = [step for step in plan.steps if step.id in run.left]
        assert left[0].vm_name == "web-010"
        assert {each.step for each in run.held} == set(run.left)
        there = rb.read(simulator.url, WAY, metrics=False)
        assert prove(plan, there).made == run.done
        assert rb.verify(plan, there) == ()
        back = rb.undo(plan, there, state_dir=tmp_path)
        assert {step.vm for step in back.steps} == {step.vm for step in plan.steps if step.id in run.done}
        for ref, vm in simulator.database.items("VM"):
            if vm["blocked_operations"]:
                simulator.database.change("VM", ref, blocked_operations={})
        assert rb.apply(plan, live, state_dir=tmp_path).complete


def test_nobody_is_told_to_take_a_block_away_while_a_backup_runs(case: Callable[[str, str], Path]) -> None:
    """Advice is to wait; of a block that somebody set by hand, its reason is told, and how it would be removed."""
    state = state_in(case(BACKED_UP, "after.json.gz"), metrics=False)
    book = Rulebook.of(rb.Model(state, rb.Policy.model_validate({"mode": "repair"})).problem)
    (vm,) = [vm for vm in state.pool.guests() if "Backup in progress" in vm.blocked_operations.values()]
    (objection,) = book.live.held_by(vm)
    assert (objection.rule, objection.remedy) == ("op-not-blocked", "wait until the backup ends")
    own = OpNotBlocked().objects(replace(vm, blocked_operations={"pool_migrate": "pinned by Jane"}), book.problem)
    assert own
    assert own.words.endswith("is blocked: pinned by Jane")
    assert own.remedy == "remove pool_migrate from the VM's blocked_operations"
