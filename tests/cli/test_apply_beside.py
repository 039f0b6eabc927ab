"""A plan for two pools, carried out from the terminal on two simulators."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from rebalancer.simulator import Simulator, generate_pool
from tests.cli.terminal import PASSWORD, USER, Terminal

HOT = generate_pool(hosts=2, vms=8, seed=5, fill=0.4, hot=1.0, pinned=0.0, cpus=8)
COOL = generate_pool(hosts=2, vms=2, seed=6, fill=0.2, hot=0.0, pinned=0.0, cpus=16)
POLICY = "[storage_motion]\nenabled = true\n[other_pools]\nenabled = true\n[limits]\nmaximum_moves = 2\n"


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A terminal in front of two simulated pools, with a plan for both."""

    terminal: Terminal
    hot: Simulator
    cool: Simulator

    @property
    def both(self) -> tuple[str, str, str]:
        """How both are named."""
        return self.hot.url, "--beside", self.cool.url

    def crossing(self) -> list[str]:
        """VMs that the plan takes to the other pool."""
        plan = json.loads((self.terminal.folder / "plan" / "plan.json").read_text(encoding="utf-8"))
        return [step["vm"] for step in plan["steps"] if "crossing" in step]


@pytest.fixture
def desk(terminal: Terminal) -> Iterator[Desk]:
    """A plan that takes VMs from the hot pool to the cool one."""
    with (
        Simulator(HOT, user=USER, password=PASSWORD, speed=3000.0, login_delay=0.0) as hot,
        Simulator(COOL, user=USER, password=PASSWORD, speed=3000.0, login_delay=0.0, net=101) as cool,
    ):
        hot.introduce(cool)
        made = Desk(terminal=terminal, hot=hot, cool=cool)
        terminal.write("policy.toml", POLICY)
        planned = terminal.run("plan", *made.both, "--policy", "policy.toml", "--output", "plan")
        assert planned.code == 0, planned.err
        assert made.crossing()
        yield made


def test_vms_are_in_the_other_pool_afterwards(desk: Desk) -> None:
    """`apply --beside` moves them, and `verify` afterwards finds the plan made for what the pools no longer are."""
    applied = desk.terminal.run("apply", "plan", *desk.both, "--state-dir", "state")
    assert (applied.code, applied.out.splitlines()[-1].endswith("all steps are done")) == (0, True), applied.err
    there = {vm["uuid"]: vm["power_state"] for _, vm in desk.cool.database.items("VM")}
    assert {there[vm] for vm in desk.crossing()} == {"Running"}
    here = {vm["uuid"] for _, vm in desk.hot.database.items("VM")}
    assert here.isdisjoint(desk.crossing())
    assert desk.terminal.run("verify", "plan", *desk.both).code == 4


def test_without_the_other_pool_nothing_moves(desk: Desk) -> None:
    """The error names the option and both pools; `--beside` for a plan of one pool is an error, too."""
    refused = desk.terminal.run("apply", "plan", desk.hot.url, "--state-dir", "state")
    assert refused.code == 1
    assert refused.sentence.startswith("--beside: the plan is for pools simulated (")
    assert refused.sentence.endswith("). Name the URL of the other pool there.")
    assert desk.terminal.run("plan", desk.hot.url, "--output", "alone").code == 0
    refused = desk.terminal.run("apply", "alone", *desk.both, "--state-dir", "state")
    assert refused.sentence == "--beside: the plan is for pool simulated. Leave it out."


def test_a_run_that_stops_says_how_to_go_on_in_both_pools(desk: Desk) -> None:
    """A VM that both pools know after a failure stops the run; the commands name the other pool."""
    desk.hot.faults.add("source-stays")
    stopped = desk.terminal.run("apply", "plan", *desk.both, "--state-dir", "state", "--json")
    assert stopped.code == 5
    assert "both pools know the VM: halted at" in stopped.json()["message"]
    assert f"--beside {desk.cool.url}" in stopped.out
