"""How many more fit: against every placement of tiny pools, and every way to start newcomers there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.fit import greedy
from rebalancer.inventory import VM
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Ledger, Rulebook
from rebalancer.units import GIB
from rebalancer.whatif import Shape, place
from rebalancer.whatif.fit.answer import Fit
from rebalancer.whatif.fit.fit import fit
from rebalancer.whatif.fit.question import limited, spared
from rebalancer.whatif.newcomers.joined import joined_problem
from rebalancer.whatif.newcomers.newcomer import newcomers
from rebalancer.whatif.newcomers.starts import Starts
from tests.plan.made import demand_of, pool_with
from tests.pools import make_pool, make_sr, make_vm, policy_of, problem_of

HOSTS = ("h1", "h2", "h3")
MOST = 8
"""Newcomers that brute force tries at most."""
SHAPE = Shape(vcpus=2, memory_gib=4, load=1.5, tags=("t",))


def by_brute_force(problem: Problem, *, rearrange: bool) -> int:
    """The most that start one after another, over all places of the others that are legal, alone and together."""
    given = limited(problem)
    starts = Starts(given, newcomers(SHAPE, MOST, given.pool))
    new = [each for each in starts.problem.pool.vms if each not in given.pool.vms]
    targets = Rulebook.of(given).targets
    homes = given.initial.host_of
    choices = [[homes[vm], *(targets(given.pool.vms[vm]) if rearrange else ())] for vm in homes]
    book = Rulebook.of(given)
    best = 0
    for hosts in product(*choices):
        places = Placement(dict(zip(homes, hosts, strict=True)))
        if book.violations(places, since=given.initial):
            continue
        ledger = Ledger(starts.book.limits, starts.problem.pool, places, since=given.initial)
        left = list(new)
        best = max(best, sum(_started(ledger, left, host) for host in given.pool.hosts))
    return best


def _started(ledger: Ledger, new: list[str], host: str) -> int:
    """How many of *new* join *host* one after another, each weighing as it arrives."""
    count = 0
    while new and not ledger.objections(new[0], host):
        ledger.join(new.pop(0), host)
        count += 1
    return count


@settings(deadline=None, max_examples=15)
@given(
    st.lists(st.integers(5, 16), min_size=3, max_size=3),
    st.lists(st.tuples(st.sampled_from(HOSTS), st.integers(1, 7), st.floats(0, 6)), min_size=1, max_size=4),
    st.booleans(),
    st.sampled_from(
        [{}, {"limits": {"vms_per_host": {"at_most": 3}}}, {"apart": [{"name": "g", "vms": ["tag:t"], "at_most": 2}]}]
    ),
)
def test_as_many_fit_as_brute_force_finds(
    room_gib: list[int], vms: list[tuple[str, int, float]], rearrange: bool, wishes: dict[str, object]
) -> None:
    """By memory, load, numbers and groups; and what is proved is no less than that."""
    pool = pool_with(
        dict(zip(HOSTS, room_gib, strict=True)),
        {f"vm{number}": (host, float(gib)) for number, (host, gib, _) in enumerate(vms)},
    )
    pool = replace(pool, vms={uuid: replace(vm, tags=("t",)) if vm.is_guest else vm for uuid, vm in pool.vms.items()})
    pcpu = {f"vm{number}": load for number, (_, _, load) in enumerate(vms)}
    wishes = wishes if len(vms) > 1 else {}
    problem = problem_of(pool, policy=policy_of(**wishes), demand=demand_of(pool, pcpu))
    if any(each.hosts for each in Rulebook.of(limited(problem)).violations(problem.initial)):
        return
    found = fit(problem, [SHAPE], rearrange=rearrange, seconds=5)
    expected = by_brute_force(problem, rearrange=rearrange)
    assert min(found.count, MOST) == expected
    assert found.bound >= expected
    assert found.proved


def outlives(given: Problem, places: Mapping[str, str], starts: tuple[int, ...]) -> bool:
    """Whether VMs at *places* and so many newcomers a host break nothing, every failure outlived that is so now."""
    hosts = [host for host, count in zip(given.pool.hosts, starts, strict=True) for _ in range(count)]
    coming = newcomers(SHAPE, len(hosts), given.pool)
    bigger = joined_problem(given, coming, hosts)
    new = dict(zip((each.vm.uuid for each in coming), hosts, strict=True))
    since = Placement({**given.initial.host_of, **dict.fromkeys(new, "")})
    return not Rulebook.of(bigger).violations(Placement({**places, **new}), since=since)


def most_outlived(given: Problem, *, rearrange: bool) -> int:
    """The most newcomers, three a host at most, over all places of the others that one move each leads to."""
    homes, targets = given.initial.host_of, Rulebook.of(given).targets
    choices = [[home, *(targets(given.pool.vms[vm]) if rearrange else ())] for vm, home in homes.items()]
    places = [dict(zip(homes, hosts, strict=True)) for hosts in product(*choices)]
    counts = [range(4) if host.enabled else range(1) for host in given.pool.hosts.values()]
    ways = sorted(product(*counts), key=sum, reverse=True)
    return sum(next(way for way in ways if any(outlives(given, each, way) for each in places)))


def squeezed(vm: VM) -> VM:
    """*vm* with half of the memory that it may have."""
    assert vm.metrics
    half = vm.memory.static_max_bytes // 2
    memory = replace(vm.memory, static_min_bytes=half, dynamic_min_bytes=half, dynamic_max_bytes=half)
    return replace(vm, memory=memory, metrics=replace(vm.metrics, memory_actual_bytes=half))


@settings(deadline=None, max_examples=12)
@given(
    st.lists(st.integers(4, 12), min_size=3, max_size=3),
    st.lists(st.tuples(st.sampled_from(HOSTS), st.integers(1, 7), st.booleans()), min_size=1, max_size=2),
    st.sampled_from(["", "h2", "h3"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([1, 2]),
)
@example(room_gib=[6, 6, 12], vms=[("h3", 7, False)], shut="h3", rearrange=False, tied=False, spare=1)
@example(room_gib=[4, 12, 12], vms=[("h1", 7, True), ("h2", 1, False)], shut="", rearrange=False, tied=False, spare=1)
@example(room_gib=[12, 12, 12], vms=[("h1", 7, False), ("h2", 2, False)], shut="", rearrange=True, tied=True, spare=1)
def test_hosts_to_spare_are_kept(  # noqa: PLR0917 - of a pool
    room_gib: list[int], vms: list[tuple[str, int, bool]], shut: str, rearrange: bool, tied: bool, spare: int
) -> None:
    """What is told outlives every failure that is outlived now, and is proved to be the most that does.

    VMs on a disabled host take no room for restarts, static maxima may be more than a host has, and a VM that is tied
    to its host restarts nowhere.
    """
    pool = pool_with(
        dict(zip(HOSTS, room_gib, strict=True)),
        {f"vm{number}": (host, float(gib)) for number, (host, gib, _) in enumerate(vms)},
    )
    small = {f"vm{number}": squeezed(pool.vms[f"vm{number}"]) for number, (*_, less) in enumerate(vms) if less}
    hosts = {uuid: replace(host, enabled=uuid != shut) for uuid, host in pool.hosts.items()}
    wishes = {"run_on": [{"name": "g", "vms": ["vm0"], "hosts": [vms[0][0]]}]} if tied else {}
    problem = problem_of(replace(pool, vms={**pool.vms, **small}, hosts=hosts), policy=policy_of(**wishes))
    found = fit(problem, [SHAPE], spare=spare, rearrange=rearrange, seconds=5)
    given, starts = spared(problem, spare), tuple(host.starts[0] for host in found.hosts)
    moved = {move.vm_uuid: move.target for move in found.moves}
    assert sum(starts) == found.count
    assert outlives(given, {**given.initial.host_of, **moved}, starts)
    most = most_outlived(given, rearrange=rearrange)
    assert found.count == found.bound == most


def test_what_cannot_restart_holds_its_host() -> None:
    """A VM that is tied to one host takes of the room for restarts of all others."""
    pool = pool_with({"h1": 12, "h2": 22, "h3": 22}, {"a": ("h1", 10)})
    tied = policy_of(run_on=[{"name": "g", "vms": ["a"], "hosts": ["h1"]}])
    found = fit(problem_of(pool, policy=tied), [SHAPE], spare=1, seconds=5)
    assert (found.count, found.bound) == (5, 5)


@pytest.mark.parametrize(("seed", "most"), [(0, 4), (2, 0), (3, 0)])
def test_no_more_restart_by_their_sizes(seed: int, most: int) -> None:
    """Sums of memory say 5, 1 and 2; that VMs of these sizes do not restart is proved by counts of each size."""
    chance, hosts = Random(seed), [f"h{number}" for number in range(4)]
    room = {host: chance.choice([64, 96, 128]) for host in hosts}
    left, vms = {host: float(gib) for host, gib in room.items()}, dict[str, tuple[str, float]]()
    for number in range(24):
        size = chance.choice([2, 4, 4, 8, 8, 16, 24])
        host = chance.choice([host for host in hosts if left[host] > size * 1.05 + 1])
        left[host] -= size * 1.05
        vms[f"vm{number}"] = (host, float(size))
    pool = pool_with(room, vms)
    found = fit(problem_of(pool, demand=demand_of(pool, {vm: chance.uniform(0, 1) for vm in vms})), [SHAPE], spare=1)
    assert (found.count, found.bound) == (most, most)


@pytest.mark.parametrize("seed", [38, 51, 121, 134])
def test_no_less_fit_than_start_one_after_another(seed: int) -> None:
    """With a host to spare, which the search does not know: the greedy beside it places the same VMs itself."""
    chance = Random(seed)
    sizes = {f"vm{number}": (chance.choice(HOSTS), float(chance.randint(1, 7))) for number in range(4)}
    problem = problem_of(pool_with({host: chance.randint(10, 20) for host in HOSTS}, sizes))
    found = fit(problem, [SHAPE], spare=1, seconds=1)
    told = place(spared(problem, 1), SHAPE, found.bound + 1)
    assert found.count >= [each.host for each in told].index(None)


@pytest.mark.parametrize("seed", [*range(284, 288), 3, 17])
def test_no_less_fit_than_by_cluster_score(seed: int) -> None:
    """The greedy of the kind of Ganeti's hspace, that of the benchmarks, is never above; seed 287 fits 6 without it."""
    chance, hosts = Random(seed), ("h1", "h2", "h3", "h4")
    sizes = {f"vm{number}": (chance.choice(hosts), float(chance.randint(1, 9))) for number in range(7)}
    pool = pool_with({host: chance.randint(10, 30) for host in hosts}, sizes)
    problem = problem_of(pool, demand=demand_of(pool, {vm: chance.uniform(0, 5) for vm in sizes}))
    found = fit(problem, [SHAPE], spare=1, rearrange=False, seconds=0.5)
    assert greedy(limited(spared(problem, 1)), SHAPE, found.bound) <= found.count <= found.bound


def told(room_gib: dict[str, float], vms: dict[str, tuple[str, float]], **wishes: object) -> Fit:
    """What is said of 4 GiB shapes in a pool without metrics."""
    return fit(problem_of(pool_with(room_gib, vms), policy=policy_of(**wishes)), [SHAPE], seconds=5)


def test_others_make_room() -> None:
    """Two halves of a place become one."""
    found = told({"h1": 7, "h2": 7}, {"a": ("h1", 1), "b": ("h1", 2), "c": ("h2", 1)})
    assert found.count == 2
    assert len(found.moves) <= 1
    assert {host.rule for host in found.hosts} <= {"enough-memory", "memory-safety"}


def test_a_domain_that_holds_too_many_now_takes_newcomers_once_others_left() -> None:
    """Three of a group are where two may be; two of them make room elsewhere, which a newcomer has none of."""
    pool = pool_with({"h1": 3, "h2": 30, "h3": 2}, dict.fromkeys("abc", ("h2", 1)))
    racks = {"h1": ("rack:1",), "h2": ("rack:2",), "h3": ("rack:2",)}
    hosts = {uuid: replace(host, tags=racks[uuid]) for uuid, host in pool.hosts.items()}
    vms = {uuid: replace(vm, tags=("t",)) if vm.is_guest else vm for uuid, vm in pool.vms.items()}
    wishes = {"spread": [{"name": "g", "vms": ["tag:t"], "domain": "rack", "at_most": 2}]}
    found = fit(problem_of(replace(pool, hosts=hosts, vms=vms), policy=policy_of(**wishes)), [SHAPE], seconds=5)
    assert (found.count, found.bound, len(found.moves)) == (1, 1, 2)


def test_what_ends_it_is_told() -> None:
    """By memory, by CPU at the busiest hour, by a rule, by an SR; a closed host says why."""
    pool = pool_with({"h1": 60, "h2": 5}, {"a": ("h1", 2)})
    shut = replace(pool, hosts={**pool.hosts, "h2": replace(pool.hosts["h2"], enabled=False)})
    found = fit(problem_of(shut, demand=demand_of(shut, {"a": 8.0})), [SHAPE], seconds=5)
    assert [(host.rule, host.ends) for host in found.hosts] == [
        ("host-load", "CPU at 14:00 UTC"),
        ("target-enabled", "is disabled"),
    ]
    assert found.count == int((0.75 * 16 - 0.5 - 8) / 1.5)
    small = make_sr("small", physical_size_bytes=100 * GIB, physical_utilisation_bytes=65 * GIB)
    hosts = [
        replace(host, pbds=(*host.pbds, replace(host.pbds[0], uuid=f"{host.uuid}-s", sr="small")))
        for host in make_pool().hosts.values()
    ]
    roomy = make_pool(hosts=hosts, vms=[make_vm("a")], srs=[small])
    by_disk = fit(problem_of(roomy), [Shape(vcpus=1, memory_gib=1, disk_gib=10, sr="small")], seconds=5)
    assert (by_disk.count, by_disk.bound, by_disk.hosts[0].rule) == (3, 3, "sr-space")


def test_several_kinds_keep_their_ratio() -> None:
    """Two small ones with each big one, as far as both fit."""
    problem = problem_of(pool_with({"h1": 20, "h2": 20}, {}))
    small, big = Shape(vcpus=1, memory_gib=2, name="small"), Shape(vcpus=2, memory_gib=8, name="big")
    found = fit(problem, [small, big], [2, 1], seconds=5)
    assert found.count == 3
    assert [sum(host.starts[kind] for host in found.hosts) for kind in (0, 1)] == [6, 3]
    assert found.sentence.startswith("3 more of 2 x small + big")


@pytest.mark.parametrize("rearrange", [True, False])
def test_a_pool_that_is_full_takes_none(rearrange: bool) -> None:
    """And it is proved."""
    problem = problem_of(pool_with({"h1": 4, "h2": 4}, {"a": ("h1", 2)}))
    found = fit(problem, [Shape(vcpus=1, memory_gib=30)], rearrange=rearrange, seconds=5)
    assert (found.count, found.bound, found.moves) == (0, 0, ())
