"""Where a VM should start: the hosts that rules leave open, in the order of what each costs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rebalancer.errors import InputError
from rebalancer.inventory import Pool
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.units import GIB, MIB
from rebalancer.whatif import Shape, place
from rebalancer.whatif.newcomers.joined import joined_pool
from rebalancer.whatif.newcomers.newcomer import newcomers
from tests.plan.made import demand_of, pool_with
from tests.pools import make_pool, make_sr, make_vm, policy_of, problem_of

HOSTS = ("h1", "h2", "h3")
SMALL = Shape(vcpus=2, memory_gib=4, load=1.0)
KEYS = {"enough-memory", "memory-safety", "vms-per-host", "vcpus-per-pcpu", "host-load", "keep-apart"}


def open_hosts(problem: Problem, shape: Shape) -> list[str]:
    """The hosts that a VM of *shape* is told to start on, best first."""
    (found,) = place(problem, shape)
    return [spot.host for spot in found.spots if spot.allowed]


def breaks_more(problem: Problem, shape: Shape, host: str) -> bool:
    """Whether one more VM of *shape* that is on *host* breaks a limit that is whole without it."""
    coming = newcomers(shape, 1, problem.pool)
    pool = joined_pool(problem.pool, coming, [host])
    pcpu = (
        {} if problem.demand is None else dict(zip(problem.demand.vms, problem.demand.vm_pcpu.max(axis=1), strict=True))
    )
    demand = demand_of(pool, {**pcpu, coming[0].vm.uuid: 0.0}) if pcpu else None
    if demand is not None:
        row = demand.vms.index(coming[0].vm.uuid)
        demand.vm_pcpu[row] = np.full(demand.slots, max(shape.hourly))
    bigger = problem_of(pool, policy=problem.policy, demand=demand)
    broken = Rulebook.of(bigger).violations(bigger.initial)
    return any(each.rule in KEYS and host in each.hosts for each in broken)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(6, 30), min_size=3, max_size=3),
    st.lists(st.tuples(st.sampled_from(HOSTS), st.integers(1, 9)), min_size=1, max_size=6),
    st.integers(1, 12),
    st.sampled_from(
        [
            {},
            {"limits": {"vms_per_host": {"at_most": 2}}},
            {"limits": {"host_load": {"cpu": 0.5}}},
            {"apart": [{"name": "all", "vms": ["tag:t"], "at_most": 2}]},
        ]
    ),
)
def test_a_host_is_open_exactly_where_nothing_breaks(
    room_gib: list[int], sizes: list[tuple[str, int]], gib: int, wishes: dict[str, object]
) -> None:
    """One more VM is put on each host by hand, and all limits are judged there; newcomers count in whole MiB."""
    vms = {f"vm{number}": (host, float(size)) for number, (host, size) in enumerate(sizes)}
    pool = pool_with(dict(zip(HOSTS, room_gib, strict=True)), vms)
    tagged = {uuid: replace(vm, tags=("t",)) if vm.is_guest else vm for uuid, vm in pool.vms.items()}
    pool = replace(pool, vms=tagged)
    if "apart" in wishes and len(vms) < 2:
        wishes = {}
    problem = problem_of(pool, policy=policy_of(**wishes), demand=demand_of(pool, {}))
    now = {host for each in Rulebook.of(problem).violations(problem.initial) for host in each.hosts}
    shape = Shape(vcpus=2, memory_gib=gib, load=1.5, tags=("t",))
    told = set(open_hosts(problem, shape))
    for host in set(HOSTS) - now:
        assert (host in told) == (not breaks_more(problem, shape, host))


def test_the_coolest_host_comes_first() -> None:
    """Where memory is alike and load is below the threshold, the host with the lowest peak is best."""
    pool = pool_with({"h1": 60, "h2": 60, "h3": 60}, {"a": ("h1", 2), "b": ("h2", 2)})
    problem = problem_of(pool, demand=demand_of(pool, {"a": 8.0, "b": 4.0}))
    assert open_hosts(problem, SMALL) == ["h3", "h2", "h1"]


def test_load_above_the_threshold_costs() -> None:
    """A host that would be above 75 % of its 16 pCPUs comes last, and says by how much the load cost rises."""
    pool = pool_with({"h1": 60, "h2": 20}, {"a": ("h1", 2)})
    problem = problem_of(pool, demand=demand_of(pool, {"a": 11.4}))
    (found,) = place(problem, SMALL)
    assert [(spot.host, bool(spot.load_cost)) for spot in found.spots] == [("h2", False), ("h1", True)]
    assert found.spots[1].reason.startswith("CPU up to 81% at 14:00 UTC")
    assert found.host == "h2"


def test_refusals_are_those_of_the_rules() -> None:
    """A closed host and a full one say why, by rule and by XAPI's code."""
    pool = pool_with({"h1": 60, "h2": 60, "h3": 3}, {"a": ("h1", 2)})
    shut = replace(pool, hosts={**pool.hosts, "h2": replace(pool.hosts["h2"], enabled=False)})
    (found,) = place(problem_of(shut), SMALL)
    said = {spot.host: [(each.rule, each.code) for each in spot.refusals] for spot in found.spots}
    assert said["h1"] == []
    assert said["h2"][0] == ("target-enabled", "HOST_DISABLED")
    assert said["h3"][0] == ("enough-memory", "HOST_NOT_ENOUGH_FREE_MEMORY")


def test_several_count_for_each_other() -> None:
    """Room for one each: the third finds no host, and says so."""
    problem = problem_of(pool_with({"h1": 5, "h2": 5}, {}))
    assert [each.host for each in place(problem, SMALL, 3)] == ["h1", "h2", None]


def test_a_halted_vm_is_placed_itself() -> None:
    """It counts with as many pCPUs as it has vCPUs: nobody knows better."""
    pool = make_pool(vms=[make_vm("a"), make_vm("off", on=None, gib=8)])
    (found,) = place(problem_of(pool, demand=demand_of(pool, {})), pool.vms["off"])
    assert (found.vm_uuid, found.host) == ("off", "h2")
    assert found.spots[0].cpu_peak == pytest.approx((0.5 + 2) / 16)


def test_disks_need_room_on_their_sr() -> None:
    """An SR without room closes every host; a local one all but its own."""
    full = make_sr("full", physical_size_bytes=100 * GIB, physical_utilisation_bytes=95 * GIB)
    pool = make_pool(vms=[make_vm("a")], srs=[full])
    (found,) = place(problem_of(pool), Shape(vcpus=1, memory_gib=1, disk_gib=10, sr="full"))
    assert found.host is None
    assert {"sr-space", "shared-sr-visible"} == {each.rule for spot in found.spots for each in spot.refusals}


def test_a_copy_has_its_own_disks_and_names() -> None:
    """It is in the groups of its model, and not in its place."""
    pool = make_pool(vms=[replace(make_vm("a"), tags=("web",))])
    one, two = newcomers(pool.vms["a"], 2, pool)
    assert (one.vm.name, two.vm.name, one.vm.tags) == ("a #1", "a #2", ("web",))
    assert len({"a", one.vm.uuid, two.vm.uuid}) == 3
    grown = joined_pool(pool, (one, two), ["h1", "h2"])
    more = grown.srs["shared"].physical_utilisation_bytes - pool.srs["shared"].physical_utilisation_bytes
    assert more == 2 * pool.vdis["a-disk0"].physical_utilisation_bytes
    assert list(grown.vms) == sorted(grown.vms)


def test_sizes_that_no_vm_has_are_refused() -> None:
    """With what is wrong, and what to write instead."""
    for wrong in ({"vcpus": 0}, {"memory_gib": 0}, {"load": 3.0}, {"load": (1.0, 1.0)}, {"name": ""}):
        with pytest.raises(InputError):
            Shape(**{"vcpus": 2, "memory_gib": 2, **wrong})  # type: ignore[arg-type]


def test_the_overhead_is_that_of_xapi() -> None:
    """A VM of 4 GiB needs its memory, its shadow pages and what Xen keeps of it."""
    pool: Pool = make_pool()
    (one,) = newcomers(SMALL, 1, pool)
    assert one.vm.memory_overhead_bytes >= 21 * MIB
