"""Pools whose hosts are of different speed."""

from __future__ import annotations

from pathlib import Path

import pytest

import rebalancer as rb
from rebalancer.objectives import Overload, Peak
from rebalancer.problem import make_problem
from rebalancer.rules import Rulebook
from rebalancer.simulator import SimulatedPool, Simulator, demo_pool
from rebalancer.solve import Outcome, solve
from tests.pools import CPU_INFO, make_host, make_pool, make_vm, policy_of
from tests.solve.tiny import make_demand

KEYS = rb.Credentials(user="root", password="simulator")
AT_ONCE = {"minimum_gain_pcpu_hours": 0, "solve_seconds": 10}
CAPACITY = {"reference_mhz": 2000}


def mixed(speeds: dict[str, str]) -> SimulatedPool:
    """The demo pool, some of whose hosts say another speed."""
    pool = demo_pool()
    for host in pool.records["host"].values():
        if host["name_label"] in speeds:
            host["cpu_info"]["speed"] = speeds[host["name_label"]]
    return pool


def seen(pool: SimulatedPool) -> rb.PoolState:
    """The pool as it is read over the wire."""
    with Simulator(pool, login_delay=0.0) as running:
        return rb.read(running.url, KEYS)


def test_a_slow_host_is_full_earlier() -> None:
    """Each of four VMs uses 3 of the 16 pCPUs of h1, which uses 1 itself, and so does h2, which is twice as fast.

    In pCPUs of 2,000 MHz, h1 is at 13 of 16, one above its threshold of 12, and h2 at 2 of 32: some VM has to leave.
    """
    hosts = [make_host(name, cpu_info={**CPU_INFO, "speed": mhz}) for name, mhz in (("h1", "2000"), ("h2", "4000"))]
    pool = make_pool(hosts=hosts, vms=[make_vm(f"v{number}", on="h1", gib=1) for number in range(4)])
    demand = make_demand(pool, {f"v{number}": (3.0,) * 4 for number in range(4)}, base=1.0)
    book = Rulebook.of(make_problem(pool, demand, policy_of(limits=AT_ONCE, capacity=CAPACITY)))
    assert Overload().value(book.problem.initial, book) == pytest.approx(4 * 1.0)
    found = solve(book)
    assert (found.outcome, found.tiers[-1].proved) == (Outcome.IMPROVED, True)
    assert Overload().value(found.placement, book) == 0
    moved = len(book.problem.initial.moves_to(found.placement))
    share = max((13 - 3 * moved) / 16, (2 + 3 * moved) / 32)
    assert Peak().value(found.placement, book) == pytest.approx(share)


def test_a_plan_for_hosts_of_two_speeds_is_proven_with_and_without_metrics(tmp_path: Path) -> None:
    """It carries its demand in pCPUs of the policy's speed: nothing is scaled twice, neither by plan nor by state."""
    state = seen(mixed({"ash": "1800.0", "birch": "3200.0"}))
    policy = policy_of(capacity={"reference_mhz": 2394.376})
    plan = rb.rebalance(rb.Model(state, policy, state_dir=tmp_path), seconds=10)
    assert plan.steps
    assert not rb.verify(plan, state)
    plan.save(tmp_path / "plan")
    assert not rb.verify(rb.load(tmp_path / "plan"), seen_without_metrics(state))
    shares = {row.name: row.before.peak_share or 0.0 for row in plan.hosts}
    own = rb.rebalance(rb.Model(state, policy_of(), state_dir=tmp_path), seconds=5)
    assert shares == pytest.approx({row.name: row.before.peak_share for row in own.hosts}, abs=1e-3)


def seen_without_metrics(state: rb.PoolState) -> rb.PoolState:
    """The same without a load profile."""
    return rb.PoolState(pool=state.pool, demand=None, taken_at=state.taken_at, source=state.source)


@pytest.mark.parametrize(("reference", "held"), [(None, []), (2400, ["aspen"])])
def test_a_host_of_unknown_speed_is_held_where_speed_counts(
    tmp_path: Path, reference: float | None, held: list[str]
) -> None:
    """Only where the policy asks for it; its load is not counted then, and it keeps its VMs."""
    state = seen(mixed({"aspen": ""}))
    policy = policy_of(capacity={} if reference is None else {"reference_mhz": reference})
    plan = rb.rebalance(rb.Model(state, policy, state_dir=tmp_path), seconds=5)
    assert [each.name for each in plan.held] == held
    aspen = next(row for row in plan.hosts if row.name == "aspen")
    assert (aspen.before.peak_share is None) == bool(held)
    if held:
        assert plan.held[0].words == (
            "does not say how fast its CPUs are (cpu_info:speed), and capacity.reference_mhz asks for it"
        )
        assert all("aspen" not in {step.source_name, step.target_name} for step in plan.steps)
