"""A plan for two pools, carried out from the terminal on two simulators."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from rebalancer.placement import disks_of
from rebalancer.simulator import Simulator, generate_pool
from rebalancer.xapi import Credentials, Trust, live_pool
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
    """`apply --beside` moves them, and `verify` afterwards says that the plan is carried out."""
    applied = desk.terminal.run("apply", "plan", *desk.both, "--state-dir", "state")
    assert (applied.code, applied.out.splitlines()[-1].endswith("all steps are done")) == (0, True), applied.err
    there = {vm["uuid"]: vm["power_state"] for _, vm in desk.cool.database.items("VM")}
    assert {there[vm] for vm in desk.crossing()} == {"Running"}
    here = {vm["uuid"] for _, vm in desk.hot.database.items("VM")}
    assert here.isdisjoint(desk.crossing())
    done = desk.terminal.run("verify", "plan", *desk.both)
    words = (
        "done: every VM, and every disk that goes along, is where the plan leads; of 2 steps none is left to prove\n"
    )
    assert (done.code, done.out) == (0, words)
    assert desk.terminal.run("verify", "plan", *desk.both, "--json").json()["done"] is True


def test_vms_come_home_from_the_other_pool(desk: Desk) -> None:
    """`rollback --beside` plans it once they are there, `apply` carries it out: hosts, SRs and networks as before."""
    before = state_of(desk.hot)
    assert desk.terminal.run("apply", "plan", *desk.both, "--state-dir", "state").code == 0
    assert state_of(desk.hot) != before
    made = desk.terminal.run("rollback", "plan", *desk.both, "--output", "back", "--state-dir", "state")
    assert (made.code, desk.terminal.run("verify", "back", *desk.both).code) == (0, 0), made.err
    home = desk.terminal.run("apply", "back", *desk.both, "--state-dir", "state")
    assert (home.code, home.out.splitlines()[-1].endswith("all steps are done")) == (0, True), home.err
    assert state_of(desk.hot) == before
    assert {vm["uuid"] for _, vm in desk.cool.database.items("VM")}.isdisjoint(desk.crossing())
    assert desk.terminal.run("verify", "back", *desk.both).out.startswith("done: ")


def state_of(simulator: Simulator) -> dict[str, tuple[str, set[tuple[str, str]], set[str]]]:
    """The host of each guest that runs, its disks with their SRs, and its networks, all by name."""
    with live_pool(simulator.url, Credentials(user=USER, password=PASSWORD), Trust()) as live:
        pool = live.read()
    return {
        vm.name: (
            str(vm.resident_on),
            {(disk.name, pool.srs[disk.sr].name) for _, disk in disks_of(vm, pool)},
            {pool.networks[vif.network].name for vif in vm.vifs},
        )
        for vm in pool.resident_guests()
    }


def test_ha_over_there_lets_vms_in_that_nobody_protects(desk: Desk) -> None:
    """Under XAPI's rules alone they go over and arrive; the manual wants HA off, and then none goes."""
    (pool,) = [ref for ref, _ in desk.cool.database.items("pool")]
    desk.cool.database.change("pool", pool, ha_enabled=True)
    kept = desk.terminal.run("plan", *desk.both, "--policy", "policy.toml", "--json").json()
    assert not any("crossing" in step for step in kept["steps"])
    desk.terminal.write("enforced.toml", f'{POLICY}[rules]\nset = "enforced"\n')
    assert desk.terminal.run("plan", *desk.both, "--policy", "enforced.toml", "--output", "over").code == 0
    applied = desk.terminal.run("apply", "over", *desk.both, "--state-dir", "state")
    assert (applied.code, applied.out.splitlines()[-1].endswith("all steps are done")) == (0, True), applied.err
    steps = json.loads((desk.terminal.folder / "over" / "plan.json").read_text(encoding="utf-8"))["steps"]
    over = {step["vm"] for step in steps if "crossing" in step}
    assert over
    assert over <= {vm["uuid"] for _, vm in desk.cool.database.items("VM")}


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
