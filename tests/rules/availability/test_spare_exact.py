"""Hosts to spare: the judgement equals brute force over all restarts."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from itertools import combinations, product

import pytest

from rebalancer.inventory import Pool
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.rules.facts.memory_model import start_bytes, static_bytes
from rebalancer.units import GIB
from tests.pools import make_vm
from tests.rules.availability.spare_pools import restarts_of, spare_pool, spare_rule


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
        assert bool(Rulebook(problem, spare_rule(problem)).violations(Placement(goal), since=problem.initial)) is worse


def kept(problem: Problem, where: Mapping[str, tuple[str, ...]], failing: int) -> set[frozenset[str]]:
    """The same for VMs that hold several hosts: one of a failed host gives back what it holds elsewhere."""
    pool, found = problem.pool, set()
    for failed in map(frozenset, combinations(sorted(pool.hosts), failing)):
        lost = [vm for vm, hosts in where.items() if hosts[0] in failed]
        left = [host for host in pool.hosts if host not in failed]
        free = {host: pool.hosts[host].memory_total_bytes - 4 * GIB for host in left}  # type: ignore[operator]
        for vm, hosts in where.items():
            for host in hosts:
                if host in free and vm not in lost:
                    free[host] -= static_bytes(pool.vms[vm])
        sizes = [start_bytes(pool.vms[vm], xen_vcpu_pages=True) for vm in lost]
        ways = product(left, repeat=len(lost))
        if any(_fit(zip(sizes, way, strict=True), free) for way in ways):
            found.add(failed)
    return found


def _fit(placed: Iterable[tuple[int, str]], free: Mapping[str, int]) -> bool:
    """Whether sizes on hosts fit."""
    left = {host: max(0, room) for host, room in free.items()}
    for size, host in placed:
        left[host] -= size
    return min(left.values()) >= 0


@pytest.mark.parametrize("failing", [1, 2])
@pytest.mark.parametrize("seed", range(20))
def test_every_question_is_answered_as_by_brute_force(seed: int, failing: int) -> None:
    """VMs join and settle by chance: a move is refused exactly where it loses a failure, on its way or arrived."""
    problem = random_pool(seed, failing)
    limit, chance = restarts_of(problem), random.Random(seed)
    where: dict[str, tuple[str, ...]] = {vm: (host,) for vm, host in problem.initial.host_of.items()}
    start = kept(problem, where, failing)
    for _ in range(12):
        vm, host = f"v{chance.randint(0, 5)}", f"h{chance.randint(1, 4)}"
        now = start & kept(problem, where, failing)
        moving, settled = where | {vm: (*where[vm], host)}, where | {vm: (host,)}
        loses = host not in where[vm] and not now <= kept(problem, moving, failing) & kept(problem, settled, failing)
        assert bool(limit.refuses(vm, host, where)) is loses
        if host not in where[vm] and not loses:
            where = moving if chance.random() < 0.4 else settled
        elif len(where[vm]) > 1:
            where = where | {vm: where[vm][-1:]}
        assert set(limit.lost({vm: (at,) for vm, at in problem.initial.host_of.items()}, where)) == start - kept(
            problem, where, failing
        )
