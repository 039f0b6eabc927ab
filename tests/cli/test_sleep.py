"""`rebalancer sleep`, from a snapshot, as if a consolidating plan were carried out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rebalancer.inventory import Pool
from rebalancer.snapshot import Snapshot, read_snapshot, write_snapshot
from tests.cli.terminal import Terminal
from tests.pools import make_host, make_pool, make_vm
from tests.solve.tiny import make_demand

POLICY = 'mode = "consolidate"\n[spare]\nhosts = 1\nvms = "all"\n'

NOW = datetime.now(UTC)


@pytest.fixture
def desk(terminal: Terminal) -> Terminal:
    """Four hosts with a quiet VM each, one host to spare."""
    pool: Pool = make_pool(
        hosts=[make_host(name) for name in ("h1", "h2", "h3", "h4")],
        vms=[make_vm(f"vm-{host}", on=host, gib=4) for host in ("h1", "h2", "h3", "h4")],
    )
    demand = make_demand(pool, {f"vm-h{number}": (0.1,) * 4 for number in range(1, 5)})
    demand = replace(
        demand,
        vm_pcpu=demand.vm_pcpu.repeat(6, axis=1),
        host_base_pcpu=demand.host_base_pcpu.repeat(6, axis=1),
        slot_hours=1.0,
    )
    write_snapshot(Snapshot(pool=pool, demand=demand, taken_at=NOW, source="test"), terminal.folder / "pool.json")
    terminal.write("policy.toml", POLICY)
    return terminal


def test_all_but_one_of_the_emptied_hosts_can_sleep(desk: Terminal) -> None:
    """The plan gathers all VMs on one host; one of the three others is what they restart on."""
    assert desk.run("plan", "pool.json", "--policy", "policy.toml", "--output", "plan").code == 0
    ended = desk.run("sleep", "pool.json", "--plan", "plan")
    assert ended.code == 0
    assert "1 host in use; " in ended.out
    told = desk.run("sleep", "pool.json", "--plan", "plan", "--json").json()
    assert [each["rule"] for each in told["hosts"]].count("spare") == 1
    assert (len(told["hosts"]), told["in_use"], set(told["needed"]), told["margin_hosts"]) == (3, 1, {2}, 1)
    assert "have to be on, 1 of them the margin" in " ".join(ended.out.split())


def test_as_it_is_no_host_is_empty(desk: Terminal) -> None:
    """All are in use, and every hour could do with one."""
    ended = desk.run("sleep", "pool.json")
    assert "4 hosts in use; no other host is awake." in ended.out
    assert "fewer than in use" in ended.out


def test_a_plan_that_is_not_legal_any_more_is_refused(desk: Terminal) -> None:
    """What would be after a plan is told only of a plan that can be carried out."""
    desk.run("plan", "pool.json", "--policy", "policy.toml", "--output", "plan")
    path: Path = desk.folder / "pool.json"
    snapshot = read_snapshot(path)
    hosts = {uuid: replace(host, enabled=uuid == "h4") for uuid, host in snapshot.pool.hosts.items()}
    write_snapshot(replace(snapshot, pool=replace(snapshot.pool, hosts=hosts)), desk.folder / "later.json")
    assert desk.run("sleep", "later.json", "--plan", "plan").code == 4
    assert desk.run("sleep", "pool.json", "--plan", "plan", "--policy", "policy.toml").code == 1
