"""Pools with a host that is sick or says too little: the rest is planned, and it is held as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import rebalancer as rb
from rebalancer.errors import SuspiciousPlan
from rebalancer.policy import Mode
from rebalancer.simulator import Simulator, demo_pool, generate_pool, load_pool
from rebalancer.simulator.state.pool import SimulatedPool
from tests.pools import policy_of

KEYS = rb.Credentials(user="root", password="simulator")
DEAD = "001-dead-host-running-vms"
MUTE = "032-host-without-cpu-count-is-emptied"


def seen(pool: SimulatedPool) -> rb.PoolState:
    """The pool as it is read over the wire, with its metrics."""
    with Simulator(pool, login_delay=0.0) as running:
        return rb.read(running.url, KEYS)


def planned(state: rb.PoolState, tmp_path: Path) -> rb.Proposal:
    """The plan of an ordinary night, verified."""
    plan = rb.rebalance(rb.Model(state, policy_of(), state_dir=tmp_path), seconds=10)
    assert not rb.verify(plan, state)
    return plan


@pytest.mark.parametrize(
    ("case", "words"),
    [(DEAD, "is not live, and VMs still count as running on it"), (MUTE, "does not say how many CPUs it has")],
)
def test_a_sick_host_keeps_its_vms_and_the_others_are_balanced(
    shared_data: Callable[[str], Path], tmp_path: Path, case: str, words: str
) -> None:
    """Of five hosts one is dead or mute: it gives and takes nobody, is named, and nobody is over the threshold."""
    state = seen(load_pool(shared_data(f"cases/reports/{case}/pool.json.gz")))
    plan = planned(state, tmp_path)
    aspen = next(row for row in plan.hosts if row.name == "aspen")
    assert [(each.name, each.guests, each.words) for each in plan.held] == [("aspen", 8, words)]
    assert len(aspen.before.vms) == 8
    assert aspen.before == aspen.after
    assert aspen.after.peak_share is None
    assert " pCPU-hours on 2 hosts before, none after. " in plan.summary
    assert plan.summary.endswith(" Held as it is: host aspen with 8 VMs.")
    assert len(plan.steps) == 6
    assert all("aspen" not in {step.source_name, step.target_name} for step in plan.steps)


def test_a_host_without_metrics_is_held_and_named(tmp_path: Path) -> None:
    """One host of five answers no question for metrics: the plan is for the other four."""
    with Simulator(demo_pool(), login_delay=0.0) as running:
        host = next(uuid for uuid, row in running.database.all("host").items() if row["name_label"] == "aspen")
        running.faults.add("rrd-error", host=running.database.all("host")[host]["uuid"], times=-1)
        state = rb.read(running.url, KEYS)
    plan = planned(state, tmp_path)
    (held,) = plan.held
    assert held.name == "aspen"
    assert held.words.startswith("has no metrics that can be used: it answers HTTP 500 (asked at http://127.0.")
    assert all("aspen" not in {step.source_name, step.target_name} for step in plan.steps)
    assert plan.steps


def test_a_host_whose_clock_is_too_far_off_has_it_set_right() -> None:
    """Its metrics are refused for the clock alone: the clock is the fix, and the reason does not say it twice."""
    with Simulator(demo_pool(), login_delay=0.0) as running:
        host = next(row["uuid"] for row in running.database.all("host").values() if row["name_label"] == "aspen")
        running.faults.add("clock-skew", host=host, seconds=3 * 86400, times=-1)
        held = rb.Model(rb.read(running.url, KEYS)).problem.held.hosts[host]
    off = "its clock is 3.0 days ahead of most clocks, and demand.clock_limit_minutes is 1440"
    assert (held.words, held.fix) == (f"has no metrics that can be used: {off}", "set the clock right")


def test_a_dead_host_can_only_be_declared_dead(shared_data: Callable[[str], Path]) -> None:
    """Nobody can shut down a VM on a dead host: its fix is the host's, for each of them and for all together."""
    model = rb.Model(seen(load_pool(shared_data(f"cases/reports/{DEAD}/pool.json.gz"))))
    found = rb.evacuate(model, "aspen", seconds=5)
    fix = "declare the host dead (xe host-declare-dead / vm-reset-powerstate) once it surely is off, or bring it back"
    assert len(found.blocked) == 8
    assert {(each.rule, each.fix) for each in found.blocked} == {("source-live", fix)}
    (way,) = found.fixes
    assert [each.words for each in way.concessions] == ["declare host 'aspen' dead, once it surely is off"]
    assert (way.moves, way.gib) == (0, 0.0)


def test_the_other_hosts_of_a_pool_with_a_dead_one_are_emptied(shared_data: Callable[[str], Path]) -> None:
    """One after another, where all of the pool is meant: the dead one is left out and named."""
    model = rb.Model(seen(load_pool(shared_data(f"cases/reports/{DEAD}/pool.json.gz"))))
    found = rb.rolling(model, seconds=2)
    assert found.left_out == ("aspen",)
    assert "aspen" not in found.hosts
    assert {each.host_name for each in found.blocked} <= {"alder", "ash", "beech", "birch"}


def test_check_names_what_is_held(shared_data: Callable[[str], Path]) -> None:
    """With the reason and the fix."""
    (sick,) = rb.check(rb.Model(seen(load_pool(shared_data(f"cases/reports/{MUTE}/pool.json.gz"))))).report.sick
    assert (sick.name, sick.guests, sick.words) == ("aspen", 8, "does not say how many CPUs it has")
    assert sick.fix == "restart the toolstack of the host (xe-toolstack-restart), which writes it anew"


def test_a_held_host_may_be_emptied(shared_data: Callable[[str], Path]) -> None:
    """It is named for that; the other hosts are planned on, and it takes nobody back in balance."""
    state = seen(load_pool(shared_data(f"cases/reports/{MUTE}/pool.json.gz")))
    aspen = next(host.uuid for host in state.pool.hosts.values() if host.name == "aspen")
    plan = rb.rebalance(rb.Model(state, rb.Policy(empty=("aspen",))), seconds=5)
    assert {step.source for step in plan.steps if step.target == aspen} == set()
    assert any(step.source == aspen for step in plan.steps)


def test_a_host_without_metrics_takes_vms_only_where_nothing_else_helps() -> None:
    """Of three hosts one is silent: what leaves another goes to the third, to the silent one if that is disabled."""
    with Simulator(generate_pool(hosts=3, vms=6, seed=1, fill=0.2, pinned=0.0), login_delay=0.0) as running:
        first, second, silent = running.urls
        running.faults.add("rrd-error", host=silent, times=-1)
        state = rb.read(running.url, KEYS)
        disabled = {uuid: replace(host, enabled=uuid != second) for uuid, host in state.pool.hosts.items()}
        closed = replace(state, pool=replace(state.pool, hosts=disabled))
    opened = rb.evacuate(rb.Model(state), first, seconds=5).plan
    forced = rb.evacuate(rb.Model(closed), first, seconds=5).plan
    assert opened is not None
    assert forced is not None
    assert {step.target for step in opened.steps} == {second}
    assert {step.target for step in forced.steps} == {silent}
    assert "made without metrics: load was not looked at" in forced.warnings


def test_a_plan_that_touches_most_of_a_pool_is_refused() -> None:
    """Behind it stands a wrong number more often than load; the error says how to look at it and to let it pass."""
    state = seen(demo_pool())
    few = rb.Policy(limits=rb.Policy().limits.model_copy(update={"sanity_share": 0.1}))
    with pytest.raises(SuspiciousPlan, match=r"would move \d of 45 VMs \(\d leave ash, .*limits.sanity_share = 0.1"):
        rb.rebalance(rb.Model(state, few), seconds=5)
    assert rb.rebalance(rb.Model(state), seconds=5).steps
    assert rb.rebalance(rb.Model(state, few.model_copy(update={"mode": Mode.REPAIR})), seconds=5).steps


def test_what_carries_the_hold_tag_is_held(tmp_path: Path) -> None:
    """No night plans a move that no run would make; the tag on a host holds all that is on it or would go there."""
    free = planned(seen(demo_pool()), tmp_path)
    first, vms = free.steps[0], {step.vm for step in free.steps}
    pool = demo_pool()
    for cls, uuid in (("VM", first.vm), ("host", first.target)):
        next(row for row in pool.records[cls].values() if row["uuid"] == uuid)["tags"] = ["rebalancer:hold"]
    plan = planned(seen(pool), tmp_path)
    assert first.vm in vms
    assert all(first.target not in {step.source, step.target} and step.vm != first.vm for step in plan.steps)
    assert {each.uuid for each in plan.held} == {first.vm, first.target}
    assert {each.words for each in plan.held} == {"carries the hold tag"}
    model = rb.Model(seen(pool), state_dir=tmp_path)
    blocked = rb.evacuate(model, [first.target_name]).blocked
    assert {each.rule for each in blocked} >= {"stays-on-held-host"}
    free_again = rb.Policy(execution={"hold_tag": "somebody-elses"})
    assert not rb.rebalance(rb.Model(seen(pool), free_again, state_dir=tmp_path), seconds=10).held
