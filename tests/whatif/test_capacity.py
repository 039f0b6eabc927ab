"""What a pool has room for: the same as counting by hand, and as adding VMs one after another."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.frames import filling_frame, hosts_frame, load_frame, losses_frame, room_frame, steps_frame, vms_frame
from rebalancer.inventory import Pool, Uuid
from rebalancer.problem import Problem
from rebalancer.rules import PoolRule, Rulebook, rules_for
from rebalancer.rules.facts.memory_model import static_bytes
from rebalancer.rules.facts.memory_rows import MemoryRow
from rebalancer.whatif import Loss, losses, room_for
from tests.plan.made import demand_of, pool_with
from tests.pools import make_pool, policy_of, problem_of

HOSTS = ("h1", "h2", "h3")
DOM0 = 0.5
"""pCPUs that `demand_of` gives every host's own load."""


def problem_with(room_gib: dict[str, float], vms: dict[str, tuple[str, float]], **pcpu: float) -> Problem:
    """A pool of hosts and VMs, with metrics where *pcpu* says what VMs take."""
    pool = pool_with(room_gib, vms)
    return problem_of(pool, demand=demand_of(pool, pcpu) if pcpu else None)


def loss_of(problem: Problem, host: str) -> Loss:
    """What follows if *host* dies."""
    return next(each for each in losses(problem) if each.host == host)


def crowded_by(problem: Problem, like: Uuid, host: Uuid, copies: int) -> bool:
    """Whether a memory rule breaks once *copies* of a VM are on *host*, all of them there already."""
    pool, vm = problem.pool, problem.pool.vms[like]
    more = {f"copy{number}": replace(vm, uuid=f"copy{number}", resident_on=host) for number in range(copies)}
    bigger = problem_of(replace(pool, vms={**pool.vms, **more}), policy=problem.policy)
    memory = [rule for rule in rules_for(bigger) if isinstance(rule, PoolRule) and rule.id in MEMORY]
    return any(host in each.hosts for each in Rulebook(bigger, memory).violations(bigger.initial))


MEMORY = {"enough-memory", "memory-safety", "host-reserve"}


@given(
    st.lists(st.integers(8, 40), min_size=2, max_size=3),
    st.lists(st.tuples(st.sampled_from(HOSTS[:2]), st.integers(1, 9)), min_size=1, max_size=4),
)
def test_as_many_fit_as_can_be_added(room_gib: list[int], sizes: list[tuple[str, int]]) -> None:
    """Copies of a VM are put on a host until a memory rule breaks: one fewer fits, but for rounding of a newcomer."""
    vms = {f"vm{number}": (host, float(gib)) for number, (host, gib) in enumerate(sizes)}
    problem = problem_with(dict(zip(HOSTS, room_gib, strict=False)), vms)
    for room in room_for(problem, problem.pool.vms["vm0"]):
        host = next(uuid for uuid, each in problem.pool.hosts.items() if each.name == room.host)
        added = next(count for count in range(1, 60) if crowded_by(problem, "vm0", host, count)) - 1
        assert room.by_memory in {added, max(0, added - 1)}


def test_cpu_is_a_limit_where_there_are_metrics() -> None:
    """At 75 % of what its CPUs give, dom0 and 6 pCPUs in use leave room for fewer VMs of 3 than an idle host has."""
    problem = problem_with({"h1": 64, "h2": 64}, {"a": ("h1", 2), "b": ("h1", 2)}, a=3.0, b=3.0)
    pcpus = problem.pool.hosts["h1"].pcpus or 0
    limit = 0.75 * pcpus - DOM0
    found = {each.host: each for each in room_for(problem, problem.pool.vms["a"])}
    assert found["h1"].by_cpu == int((limit - 6) // 3)
    assert found["h2"].by_cpu == int(limit // 3)
    assert found["h2"].fits == min(found["h2"].by_memory, int(limit // 3))


def test_without_metrics_memory_alone_counts() -> None:
    """And a VM that takes no CPU is held by memory alone, too."""
    for problem in (
        problem_with({"h1": 20, "h2": 20}, {"a": ("h1", 4)}),
        problem_with({"h1": 20, "h2": 20}, {"a": ("h1", 4)}, a=0.0),
    ):
        assert {each.by_cpu for each in room_for(problem, problem.pool.vms["a"])} == {None}
        assert all(each.fits == each.by_memory > 0 for each in room_for(problem, problem.pool.vms["a"]))


def test_a_vm_that_does_not_run_is_refused() -> None:
    """What it takes is known of nobody but guests that run; absent is not zero."""
    problem = problem_with({"h1": 20, "h2": 20}, {"a": ("h1", 4)})
    halted = replace(problem.pool.vms["a"], uuid="b", name="b", resident_on=None)
    with pytest.raises(ValueError, match="VM 'b' does not run in pool"):
        room_for(problem, halted)


def test_nobody_starts_on_a_host_that_is_disabled() -> None:
    """It has room, and takes nobody."""
    problem = problem_with({"h1": 20, "h2": 20}, {"a": ("h1", 4)})
    closed = replace(problem.pool.hosts["h2"], enabled=False)
    shut = problem_of(replace(problem.pool, hosts={**problem.pool.hosts, "h2": closed}))
    room = {each.host: each for each in room_for(shut, shut.pool.vms["a"])}
    assert not room["h2"].may_start
    assert (room["h2"].fits, room["h2"].by_memory > 0) == (0, True)


@given(
    st.lists(st.integers(4, 20), min_size=3, max_size=3),
    st.lists(st.tuples(st.sampled_from(HOSTS), st.integers(1, 9)), min_size=1, max_size=5),
)
def test_a_death_is_outlived_exactly_where_a_way_exists(room_gib: list[int], sizes: list[tuple[str, int]]) -> None:
    """Every way of sharing the VMs of a dead host among the others is tried by hand."""
    vms = {f"vm{number}": (host, float(gib)) for number, (host, gib) in enumerate(sizes)}
    problem = problem_with(dict(zip(HOSTS, map(float, room_gib), strict=True)), vms)
    for loss in losses(problem):
        assert loss.restart == restart_by_hand(problem, loss.host)


def restart_by_hand(problem: Problem, dead: Uuid) -> bool:
    """Whether some assignment of the dead host's VMs to the others fits their static memory."""
    pool, where = problem.pool, problem.initial.host_of
    gone = [vm for vm, host in where.items() if host == dead]
    others = [host for host in pool.hosts if host != dead]
    free = {host: _free(pool, host) for host in others}
    for chosen in product(others, repeat=len(gone)):
        taken = dict.fromkeys(others, 0)
        for vm, host in zip(gone, chosen, strict=True):
            taken[host] += _starts(problem, vm)
        if all(taken[host] <= max(0, free[host]) for host in others):
            return True
    return not gone


def _free(pool: Pool, host: Uuid) -> int:
    """What HA's planner finds free on a host: its memory without Xen, dom0 and the guests at their maxima."""
    machine = pool.hosts[host]
    held = sum(static_bytes(vm) for vm in pool.vms.values() if vm.resident_on == host)
    return (machine.memory_total_bytes or 0) - machine.memory_overhead_bytes - held


def _starts(problem: Problem, vm: Uuid) -> int:
    """What a VM takes to start, by the rule's own table."""
    rows = [bound.limit for bound in Rulebook.of(problem).limits]
    safety = next(row for row in rows if isinstance(row, MemoryRow))
    assert safety.weights.arrival[vm] > 0
    return safety.weights.arrival[vm]


def test_the_busiest_host_is_told() -> None:
    """h1 dies, its VM of 6 pCPUs goes to h2, where 2 are used: 8 of its pCPUs."""
    problem = problem_with({"h1": 20, "h2": 20}, {"a": ("h1", 4), "b": ("h2", 4)}, a=6.0, b=2.0)
    loss = loss_of(problem, "h1")
    assert (loss.guests, loss.restart, loss.hottest) == (1, True, "h2")
    assert loss.cpu_peak == pytest.approx((8.0 + DOM0) / (problem.pool.hosts["h2"].pcpus or 0))


def test_who_is_tied_to_its_host_is_named() -> None:
    """A pool of one host: nobody restarts anywhere, and there is no busiest host; an empty pool has nothing to lose."""
    alone = problem_with({"h1": 20}, {"a": ("h1", 4)}, a=1.0)
    assert loss_of(alone, "h1") == Loss(
        host="h1",
        host_uuid="h1",
        guests=1,
        memory_gib=0.0,
        stuck=("a",),
        stuck_uuids=("a",),
        restart=True,
        hottest=None,
        hottest_uuid=None,
        cpu_peak=None,
    )
    assert [each.guests for each in losses(problem_with({"h1": 20, "h2": 20}, {}))] == [0, 0]


def test_frames_hold_what_was_found() -> None:
    """One row a host or slot, by name; also where there is nothing to hold."""
    problem = problem_with({"h1": 64, "h2": 64}, {"a": ("h1", 2)}, a=3.0)
    room = room_frame(room_for(problem, problem.pool.vms["a"]))
    assert list(room.index) == ["h1", "h2"]
    assert list(room["fits"]) == list(room[["by_memory", "by_cpu"]].min(axis=1))
    assert losses_frame(losses(problem)).loc["h1", "hottest"] == "h2"
    filling = filling_frame(problem, problem.initial)
    assert len(filling) == 24
    assert np.allclose(filling["busiest_share"], load_frame(problem, problem.initial).max())
    assert filling["used_pcpus"].max() == pytest.approx(3.0 + 2 * DOM0)
    assert set(filling["busiest"]) == {"h1"}


def test_a_pool_without_guests_makes_empty_frames() -> None:
    """Not an error: a new pool is one, too."""
    problem = problem_of(make_pool(hosts=[*pool_with({"h1": 20}, {}).hosts.values()], vms=[]), policy=policy_of())
    assert len(vms_frame(problem.pool)) == 0
    assert len(hosts_frame(problem.pool)) == 1
    assert room_frame([]).empty
    assert losses_frame([]).empty
    assert steps_frame.__doc__
