"""Hosts to spare: by hand, and against brute force on tiny pools."""

from __future__ import annotations

import random
from collections.abc import Mapping
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.errors import PolicyError
from rebalancer.inventory import Pool
from rebalancer.placement import Placement
from rebalancer.policy import intent_of
from rebalancer.problem import Problem
from rebalancer.rules import PoolRule, end_violations, rules_for, standing_violations, step_ledger
from rebalancer.rules.memory_model import start_bytes, static_bytes
from rebalancer.rules.restart_packing import Items, pack
from rebalancer.rules.restarts import Restarts
from rebalancer.units import GIB
from tests.pools import make_disk, make_host, make_sr, make_vdi, make_vm, policy_of, problem_of

KEPT = {"ha_restart_priority": "restart"}


def spare_pool(
    room: Mapping[str, int],
    vms: tuple[Any, ...],
    *,
    hosts: int = 1,
    which: str = "all",
    **fields: Any,  # noqa: ANN401
) -> Problem:
    """Hosts of such room in GiB beside dom0, and half a GiB for what VMs take beyond their memory."""
    machines = [
        make_host(name, memory_total_bytes=int((4.5 + gib) * GIB), memory_overhead_bytes=0)
        for name, gib in room.items()
    ]
    policy = policy_of(spare={"hosts": hosts, "vms": which})
    return problem_of(hosts=machines, vms=vms, policy=policy, **fields)


def spare_rule(problem: Problem) -> list[PoolRule]:
    """The rule alone."""
    return [rule for rule in rules_for(problem) if isinstance(rule, PoolRule) and rule.id == "spare"]


def restarts_of(problem: Problem) -> Restarts:
    """What the rule judges by."""
    (limit,) = spare_rule(problem)[0].limits(problem)
    assert isinstance(limit, Restarts)
    return limit


def moves(problem: Problem, vm: str, host: str) -> list[str]:
    """What the rule says of a move tonight."""
    return [each.words for each in step_ledger(spare_rule(problem), problem, problem.initial).objections(vm, host)]


THREE = {"h1": 8, "h2": 8, "h3": 8}
TIGHT = (make_vm("a", on="h1", gib=4), make_vm("b", on="h2", gib=5), make_vm("c", on="h3", gib=3))


@pytest.mark.parametrize(
    ("vm", "host", "refused"),
    [
        pytest.param("c", "h1", False, id="while c moves, its own place is free again when its host fails"),
        pytest.param("b", "h3", True, id="a could restart nowhere: 3 GiB on h2 while b moves"),
        pytest.param("b", "h2", False, id="staying"),
    ],
)
def test_single_moves_by_hand(vm: str, host: str, refused: bool) -> None:
    """`a` restarts on h3 only, `b` on h3 only, `c` anywhere."""
    assert bool(moves(spare_pool(THREE, TIGHT), vm, host)) is refused


@pytest.mark.parametrize(
    ("room", "broken"),
    [({"h1": 4, "h2": 4}, False), ({"h1": 4, "h2": 3}, True), ({"h1": 4, "h2": 2, "h3": 3}, True)],
)
def test_standing_by_hand(room: dict[str, int], broken: bool) -> None:
    """One VM of 4 GiB on h1: another host of just 4 GiB is enough, less is not."""
    problem = spare_pool(room, (make_vm("a", on="h1", gib=4),))
    assert bool(standing_violations(spare_rule(problem), problem, problem.initial)) is broken


def test_words_name_host_vm_and_the_most_room() -> None:
    """A VM that restarts nowhere is named with its size and the host that has most room."""
    problem = spare_pool({"h1": 12, "h2": 5, "h3": 8}, (make_vm("y", on="h1", gib=12),))
    (found,) = standing_violations(spare_rule(problem), problem, problem.initial)
    assert found.words.startswith("if host 'h1' fails, VM 'y' (12.")
    assert "restarts nowhere: most free is 8.5 GiB on 'h3'" in found.words


def test_two_that_fit_one_by_one_do_not_fit_together() -> None:
    """Two VMs of 4 GiB, one place: the words say how many would have to restart in how much."""
    vms = (make_vm("a", on="h1", gib=4), make_vm("b", on="h1", gib=4), make_vm("c", on="h2", gib=5))
    problem = spare_pool({"h1": 8, "h2": 8, "h3": 7}, vms)
    (found,) = standing_violations(spare_rule(problem), problem, problem.initial)
    assert "2 VMs" in found.words
    assert "they do not all fit" in found.words


def test_off_or_unprotected_asks_for_nothing() -> None:
    """By default there is no limit, nor where no VM is protected."""
    assert spare_rule(spare_pool(THREE, TIGHT, hosts=0))[0].limits(spare_pool(THREE, TIGHT, hosts=0)) == ()
    problem = spare_pool(THREE, TIGHT, which="protected")
    assert spare_rule(problem)[0].limits(problem) == ()


def test_protected_only_restarts_those() -> None:
    """An unprotected VM counts where it is, and is not restarted."""
    vms = (make_vm("a", on="h1", gib=4, **KEPT), make_vm("b", on="h1", gib=4), make_vm("c", on="h2", gib=4))
    assert standing_violations(spare_rule(p := spare_pool({"h1": 8, "h2": 8}, vms)), p, p.initial) != ()
    problem = spare_pool({"h1": 8, "h2": 8}, vms, which="protected")
    assert standing_violations(spare_rule(problem), problem, problem.initial) == ()
    assert moves(problem, "b", "h2") != []


def test_vm_restarts_only_where_its_disks_are() -> None:
    """A disk on an SR that h1 and h2 see: room on h3 is no help."""
    room = {"h1": 8, "h2": 2, "h3": 20}
    vm = make_vm("a", on="h1", gib=4, vbds=(make_disk("a", vdi="disk"),))
    hosts = [
        make_host(
            name,
            memory_total_bytes=int((4.5 + gib) * GIB),
            memory_overhead_bytes=0,
            srs=("shared",) if name == "h3" else ("shared", "near"),
        )
        for name, gib in room.items()
    ]
    fields: dict[str, Any] = {"srs": (make_sr(), make_sr("near")), "vdis": (make_vdi("disk", sr="near"),)}
    problem = problem_of(hosts=hosts, vms=(vm,), policy=policy_of(spare={"hosts": 1, "vms": "all"}), **fields)
    assert restarts_of(problem).items.targets["a"] == {"h1", "h2"}
    (found,) = standing_violations(spare_rule(problem), problem, problem.initial)
    assert "on 'h2'" in found.words


def test_vm_with_devices_is_named_and_left_out() -> None:
    """Nobody can restart a VM with a PCI device of its host; the others of its host are kept all the same."""
    tied = make_vm("gpu", on="h1", gib=2, attached_pcis=("0000:04:00.0",))
    problem = spare_pool(THREE, (tied, *TIGHT))
    (found,) = standing_violations(spare_rule(problem), problem, problem.initial)
    assert found.words == "VM 'gpu' cannot be kept restartable: it has devices of its host"
    assert moves(problem, "b", "h3") != []


def test_too_many_failures_are_refused() -> None:
    """Two of 65 hosts are more failures than are looked at."""
    problem = spare_pool({f"h{number}": 8 for number in range(65)}, (), hosts=1)
    with pytest.raises(PolicyError, match="2 of 65 hosts can fail in 2080 ways"):
        intent_of(policy_of(spare={"hosts": 2}), problem.pool)


def outlived(pool: Pool, where: Mapping[str, str], failing: int) -> set[frozenset[str]]:
    """The failures after which some assignment of all lost VMs fits, by trying every one."""
    found = set()
    for failed in combinations(sorted(pool.hosts), failing):
        lost = [vm for vm, host in where.items() if host in failed]
        left = [host for host in pool.hosts if host not in failed]
        free = {host: pool.hosts[host].memory_total_bytes - 4 * GIB for host in left}  # type: ignore[operator]
        for vm, host in where.items():
            if host in free:
                free[host] -= static_bytes(pool.vms[vm])
        size = {vm: start_bytes(pool.vms[vm], xen_vcpu_pages=True) for vm in lost}
        ways = product(left, repeat=len(lost))
        if any(
            all(
                sum(size[vm] for vm, at in zip(lost, way, strict=True) if at == host) <= max(0, free[host])
                for host in left
            )
            for way in ways
        ):
            found.add(frozenset(failed))
    return found


def random_pool(seed: int, failing: int) -> Problem:
    """Four small hosts and six VMs that nearly fill what may be filled."""
    chance = random.Random(seed)
    room = {f"h{number}": chance.choice([6, 8, 11]) for number in range(1, 5)}
    vms = tuple(
        make_vm(f"v{number}", on=f"h{chance.randint(1, 4)}", gib=chance.choice([1, 2, 3, 4])) for number in range(6)
    )
    return spare_pool(room, vms, hosts=failing)


@pytest.mark.parametrize("failing", [1, 2])
@pytest.mark.parametrize("seed", range(12))
def test_judgement_is_that_of_brute_force(seed: int, failing: int) -> None:
    """Every failure, and every goal that differs in two VMs: worse exactly where brute force loses a failure."""
    problem = random_pool(seed, failing)
    limit, start = restarts_of(problem), dict(problem.initial.host_of)
    before = outlived(problem.pool, start, failing)
    assert {
        each for each in limit.failures if limit.restarts(each, {vm: (at,) for vm, at in start.items()}) is not None
    } == before
    for one, other in product(("h1", "h3"), ("h2", "h4")):
        goal = start | {"v0": one, "v1": other}
        worse = bool(before - outlived(problem.pool, goal, failing))
        assert bool(end_violations(spare_rule(problem), problem, Placement(goal))) is worse


@pytest.mark.parametrize("failing", [1, 2])
@pytest.mark.parametrize("seed", range(12))
def test_allowed_moves_never_lose_a_failure(seed: int, failing: int) -> None:
    """Whatever is moved, step by step where allowed: what was outlived stays so, and some moves are refused."""
    problem = random_pool(seed, failing)
    ledger, where = step_ledger(spare_rule(problem), problem, problem.initial), dict(problem.initial.host_of)
    chance = random.Random(seed)
    known = outlived(problem.pool, where, failing)
    for _ in range(25):
        vm, host = f"v{chance.randint(0, 5)}", f"h{chance.randint(1, 4)}"
        if where[vm] != host and not ledger.objections(vm, host):
            ledger.join(vm, host)
            ledger.settle(vm, where[vm])
            where[vm] = host
            now = outlived(problem.pool, where, failing)
            assert known <= now
            known = now


@given(
    free=st.lists(st.integers(0, 9), min_size=1, max_size=3),
    sizes=st.lists(st.tuples(st.integers(1, 5), st.sets(st.integers(0, 2), min_size=1)), max_size=5),
)
def test_packer_is_exact(free: list[int], sizes: list[tuple[int, set[int]]]) -> None:
    """It finds a way exactly where there is one, and what it finds fits."""
    rooms = {f"h{number}": room for number, room in enumerate(free)}
    items = Items(
        size={f"v{number}": size for number, (size, _) in enumerate(sizes)},
        targets={f"v{number}": frozenset(f"h{each}" for each in hosts) for number, (_, hosts) in enumerate(sizes)},
    )
    ways = product(rooms, repeat=len(sizes))
    packed = pack(list(items.size), items, rooms)
    assert packed.proved
    assert (packed.host_of is not None) == any(
        _fits(dict(zip(items.size, way, strict=True)), items, rooms) for way in ways
    )
    assert packed.host_of is None or _fits(packed.host_of, items, rooms)


def _fits(host_of: Mapping[str, str], items: Items, rooms: Mapping[str, int]) -> bool:
    """Whether each VM is where it may be, and no host holds more than it has."""
    return all(host in items.targets[vm] for vm, host in host_of.items()) and all(
        sum(items.size[vm] for vm, at in host_of.items() if at == host) <= room for host, room in rooms.items()
    )


def test_effort_that_is_spent_proves_nothing() -> None:
    """Forty VMs that sums do not exclude and no order fits: not found, and not called impossible."""
    sizes = {f"v{number:02}": 1_000_003 + number * number * 7919 for number in range(40)}
    rooms = {f"h{number}": -(-sum(sizes.values()) // 8) for number in range(8)}
    items = Items(size=sizes, targets=dict.fromkeys(sizes, frozenset(rooms)))
    packed = pack(list(sizes), items, rooms)
    assert packed.host_of is None
    assert not packed.proved
