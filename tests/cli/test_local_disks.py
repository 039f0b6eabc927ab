"""A pool whose guests have local disks, as people meet it: held where they are, until disks may go along."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rebalancer.simulator import Simulator, local_pool
from rebalancer.units import size_in_words
from tests.cli.terminal import PASSWORD, USER, Terminal

POLICY = "[storage_motion]\nenabled = true\n"
CHEAP = "[objective]\npcpu_hours_per_gib = 0.001\npcpu_hours_per_move = 0.0\n"
"""At the default prices three VMs with their disks are too much to copy."""


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """The pool that `rebalancer simulate local` serves."""
    with Simulator(local_pool(), user=USER, password=PASSWORD, speed=1000.0, login_delay=0.0) as running:
        yield running


def test_disks_go_along_and_cool_the_pool(terminal: Terminal, simulator: Simulator) -> None:
    """Held by their disks, VMs leave three hosts hot; with their disks they leave one, and the pool is as planned."""
    (terminal.folder / "policy.toml").write_text(POLICY + CHEAP, encoding="utf-8")
    held = terminal.run("plan", simulator.url, "--json").json()
    plan = terminal.run("plan", simulator.url, "--policy", "policy.toml", "--output", "plan", "--json").json()
    after = [next(tier["after"] for tier in each["tiers"] if tier["objective"] == "balance") for each in (held, plan)]
    assert after[1] < after[0] / 10
    carried = [step["vm"] for step in plan["steps"] if step["disks"]]
    assert len(carried) >= 3
    assert terminal.run("verify", "plan", simulator.url).code == 0
    assert terminal.run("apply", "plan", simulator.url).code == 0
    again = terminal.run("plan", simulator.url, "--policy", "policy.toml", "--json").json()
    assert again["steps"] == []


def test_who_is_held_by_disks_is_told_what_it_would_take(terminal: Terminal, simulator: Simulator) -> None:
    """How many hosts would do, how much would be copied, and the line of the policy."""
    held = terminal.run("plan", simulator.url, "--json").json()
    words = [each["words"] for each in held["left_alone"] if each["rule"] == "shared-sr-visible"]
    assert len(words) > 10
    assert all("with its disks it could go to 4 hosts, copying " in each for each in words)
    assert all(each.endswith(" GiB: set storage_motion.enabled") for each in words)


def test_the_tables_weigh_disks(terminal: Terminal, simulator: Simulator) -> None:
    """A step that copies 40 GiB of disks does not look like one that copies 4 GiB of memory."""
    (terminal.folder / "policy.toml").write_text(POLICY, encoding="utf-8")
    made = terminal.run("plan", simulator.url, "--policy", "policy.toml", "--output", "plan")
    header = next(line for line in made.out.splitlines() if line.startswith("step  VM"))
    assert header.split()[:6] == ["step", "VM", "from", "to", "memory", "disks"]
    step = next(each for each in terminal.run("show", "plan", "--json").json()["steps"] if each["disks"])
    told = terminal.run("show", "plan", "--step", step["id"]).out
    memory, size = step["memory_bytes"], sum(disk["size_bytes"] for disk in step["disks"])
    assert f"{size_in_words(memory)} of memory and {size_in_words(size)} of disks" in told
    assert "Disks that go along (Storage XenMotion)" in told
    assert step["disks"][0]["name"] in told
