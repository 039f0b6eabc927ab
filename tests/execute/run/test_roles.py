"""Runs of users whose role does not permit them: nothing is sent, and the role is named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import XenAPI

from rebalancer.cli.exits import Exit, exit_code
from rebalancer.errors import RefusedByXapi
from rebalancer.execute import execute, resume
from rebalancer.execute.journal.outcome import StepState
from rebalancer.simulator import Simulator
from rebalancer.xapi import Credentials, Trust, live_pool
from tests.execute.scripted import plan_of
from tests.execute.stage import POOL, Stage, some_moves


@contextmanager
def stage_of(role: str, folder: Path, calls: list[str]) -> Iterator[Stage]:
    """A pool as alice sees it, who has a role."""
    with Simulator(POOL, login_delay=0.0) as simulator:
        let_in(simulator, role)
        with live_pool(simulator.url, Credentials(user="alice", password="simulator"), Trust()) as live:
            pool = live.read()
            plan = plan_of(pool, *some_moves(pool))
            yield Stage(simulator=simulator, live=live, plan=plan, folder=folder, calls=calls)


def let_in(simulator: Simulator, role: str) -> None:
    """Let alice in, with a role."""
    session = XenAPI.Session(simulator.url)
    session.xenapi.login_with_password("root", "simulator", "1.0", "tests")
    xapi = session.xenapi
    subject = xapi.subject.create({"subject_identifier": "S-1-5-1", "other_config": {"subject-name": "alice"}})
    xapi.subject.add_to_roles(subject, xapi.role.get_by_name_label(role)[0])


def locks(stage: Stage) -> list[str]:
    """What runs have left in the pool and its VMs."""
    database = stage.simulator.database
    kept = [pool["gui_config"] for _, pool in database.items("pool")]
    kept += [vm["other_config"] for _, vm in database.items("VM")]
    return [key for each in kept for key in each if key.startswith("rebalancer:")]


@pytest.mark.parametrize(
    ("role", "call", "least"),
    [
        ("read-only", "pool.add_to_gui_config", "vm-operator"),
        ("vm-operator", "VM.add_to_other_config", "vm-admin"),
        ("vm-admin", "VM.pool_migrate", "vm-power-admin"),
    ],
)
def test_the_role_that_it_takes_is_named(tmp_path: Path, calls: list[str], role: str, call: str, least: str) -> None:
    """Nothing moved, nothing is stopped half-way, nothing stays in the pool; a second try ends alike."""
    with stage_of(role, tmp_path, calls) as stage:
        for way in (execute, resume):
            with pytest.raises(RefusedByXapi, match=f"it takes the role {least} or more") as raised:
                stage.run(way)
            assert call.lower() in str(raised.value).lower()
            assert exit_code(raised.value) is Exit.ERROR
        assert set(stage.looked()) <= {StepState.REFUSED}
        assert stage.simulator.database.all("task") == {}
        assert not any(stage.arrived())
        assert locks(stage) == []


def test_whoever_has_the_role_moves_vms(tmp_path: Path, calls: list[str]) -> None:
    """No more than that is needed."""
    with stage_of("vm-power-admin", tmp_path, calls) as stage:
        stage.simulator.world.speed = 40.0
        assert stage.run().complete
        assert all(stage.arrived())
