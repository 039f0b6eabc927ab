"""Orders: every prefix legal, hops only where they are needed, and an honest no."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given

from rebalancer.inventory import Pool
from rebalancer.order.order import Deadlock, Order, find_order
from rebalancer.placement import Migration, Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.rules.facts.memory_model import arrival_bytes, counts_xen_vcpu_pages
from tests.plan.made import goal_of, order_of, pool_with, swap, tasks
from tests.pools import make_host, problem_of


def summarized(order: Order) -> list[tuple[str, str, bool]]:
    """VM, target, hop."""
    return [(move.vm, move.target, move.hop) for move in order.migrations]


def free_bytes(pool: Pool, held: dict[str, set[str]], host: str) -> int:
    """What is left on *host*, added up without any rule: total - Xen - dom0 - guests."""
    own = pool.hosts[host]
    vms = [pool.vms[f"dom0-{host}"], *(pool.vms[vm] for vm in held[host])]
    used = sum(vm.memory.dynamic_min_bytes + vm.memory_overhead_bytes for vm in vms)
    return int(own.memory_total_bytes or 0) - own.memory_overhead_bytes - used


def states(problem: Problem, migrations: tuple[Migration, ...]) -> Iterator[tuple[Migration, dict[str, set[str]]]]:
    """Every move with who holds each host before it."""
    held: dict[str, set[str]] = {host: set() for host in problem.pool.hosts}
    for vm, host in problem.initial.host_of.items():
        held[host].add(vm)
    for move in migrations:
        yield move, held
        held[move.source].remove(move.vm)
        held[move.target].add(move.vm)


def fits(problem: Problem, held: dict[str, set[str]], vm: str, host: str) -> bool:
    """Whether *vm* finds on *host* what xapi asks of a newcomer."""
    needed = arrival_bytes(problem.pool.vms[vm], xen_vcpu_pages=counts_xen_vcpu_pages(problem.pool))
    return needed <= free_bytes(problem.pool, held, host)


def some_direct_order(problem: Problem, goal: Placement) -> bool:
    """Whether any order of the moves without hops fits, tried one by one."""
    moves = problem.initial.moves_to(goal)
    for order in permutations(moves):
        migrations = tuple(Migration(vm=move.vm, source=move.source, target=move.target, hop=False) for move in order)
        if all(fits(problem, held, move.vm, move.target) for move, held in states(problem, migrations)):
            return True
    return False


def some_order(problem: Problem, goal: Placement) -> bool:
    """Whether any sequence of migrations leads to *goal*: every VM may go anywhere, as often as it likes."""
    vms = list(problem.initial)
    start = tuple(problem.initial[vm] for vm in vms)
    seen, waiting = {start}, [start]
    while waiting:
        state = waiting.pop()
        if all(at == goal[vm] for at, vm in zip(state, vms, strict=True)):
            return True
        held = {host: {vm for vm, at in zip(vms, state, strict=True) if at == host} for host in problem.pool.hosts}
        for number, vm in enumerate(vms):
            for host in problem.pool.hosts:
                following = (*state[:number], host, *state[number + 1 :])
                if following not in seen and fits(problem, held, vm, host):
                    seen.add(following)
                    waiting.append(following)
    return False


def neighbours(
    problem: Problem, goal: Placement, moving: list[str], state: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    """The states after one more migration: home to anywhere, from anywhere else to the goal."""
    placed = {**problem.initial.host_of, **dict(zip(moving, state, strict=True))}
    held = {host: {vm for vm, at in placed.items() if at == host} for host in problem.pool.hosts}
    for number, vm in enumerate(moving):
        here, last = state[number], goal[vm]
        targets = list(problem.pool.hosts) if here == problem.initial[vm] else [last]
        for host in targets if here != last else []:
            if host != here and fits(problem, held, vm, host):
                yield (*state[:number], host, *state[number + 1 :])


def test_nothing_to_move_is_an_empty_order() -> None:
    """A placement that is reached already needs no step."""
    problem = swap()
    assert order_of(problem, problem.initial).migrations == ()


def test_a_chain_is_walked_from_its_end() -> None:
    """Where each VM needs the room that the next one frees, the last one goes first."""
    pool = pool_with({"h1": 10, "h2": 10, "h3": 10}, {"a": ("h1", 8), "b": ("h2", 8)})
    problem = problem_of(pool)
    assert summarized(order_of(problem, goal_of(problem, a="h2", b="h3"))) == [("b", "h3", False), ("a", "h2", False)]


def test_a_swap_parks_the_smaller_vm_on_the_third_host() -> None:
    """Two VMs that wait for each other's memory: the smaller is parked, the bigger never."""
    problem = swap()
    migrations = summarized(order_of(problem, goal_of(problem, big="h2", small="h1")))
    assert migrations == [("small", "h3", True), ("big", "h2", False), ("small", "h1", False)]


def test_a_swap_that_fits_needs_no_hop() -> None:
    """With room for both on one host, the swap takes two steps."""
    pool = pool_with({"h1": 20, "h2": 23, "h3": 11}, {"big": ("h1", 12), "small": ("h2", 10)})
    problem = problem_of(pool)
    assert [move.hop for move in order_of(problem, goal_of(problem, big="h2", small="h1")).migrations] == [False, False]


def test_a_disabled_host_is_no_parking_place() -> None:
    """A hop has to be as legal as any move: a third host that takes nobody helps nobody."""
    problem = swap()
    hosts = {**problem.pool.hosts, "h3": replace(problem.pool.hosts["h3"], enabled=False)}
    problem = problem_of(replace(problem.pool, hosts=hosts))
    answer = find_order(Rulebook.of(problem), goal_of(problem, big="h2", small="h1"), seed=1)
    assert isinstance(answer, Deadlock)
    assert answer.proved
    assert [move.vm for move in answer.moves] == ["big", "small"]
    assert set(answer.rules) == {"enough-memory", "memory-safety"}


def test_a_deadlock_blames_only_the_moves_that_cause_it() -> None:
    """A move that has nothing to do with the deadlock is not forbidden with it."""
    pool = pool_with({"h1": 20, "h2": 20, "h3": 3}, {"big": ("h1", 12), "small": ("h2", 10), "x": ("h1", 1)})
    problem = problem_of(pool)
    goal = goal_of(problem, big="h2", small="h1", x="h3")
    answer = find_order(Rulebook.of(problem), goal, seed=1)
    assert isinstance(answer, Deadlock)
    assert {move.vm for move in answer.moves} == {"big"}


def test_a_vm_from_outside_the_database_order_is_not_lost() -> None:
    """VMs that are urgent go first where the rules allow it; the others follow."""
    pool = pool_with({"h1": 20, "h2": 20}, {"a": ("h1", 2), "b": ("h1", 1), "c": ("h1", 3)})
    problem = problem_of(pool)
    goal = goal_of(problem, a="h2", b="h2", c="h2")
    order = find_order(Rulebook.of(problem), goal, seed=1, first=["c"])
    assert isinstance(order, Order)
    assert [move.vm for move in order.migrations] == ["c", "b", "a"]


@given(tasks())
def test_every_prefix_fits_by_plain_addition(task: tuple[Problem, Placement]) -> None:
    """Whatever the pool, each migration finds its memory free when it begins, and the last state is the goal."""
    problem, goal = task
    answer = find_order(Rulebook.of(problem), goal, seed=1)
    if isinstance(answer, Order):
        assert all(fits(problem, held, move.vm, move.target) for move, held in states(problem, answer.migrations))
        end = {**problem.initial.host_of, **{move.vm: move.target for move in answer.migrations}}
        assert end == goal.host_of
    else:
        assert not some_direct_order(problem, goal)


@given(tasks(most_vms=5))
def test_an_order_is_found_exactly_where_there_is_one(task: tuple[Problem, Placement]) -> None:
    """On small pools the answer agrees with a search through every state that the pool can be in."""
    problem, goal = task
    answer = find_order(Rulebook.of(problem), goal, seed=1)
    assert isinstance(answer, Order) == some_order(problem, goal)


@given(tasks(most_vms=6))
def test_hops_appear_only_where_every_direct_order_fails(task: tuple[Problem, Placement]) -> None:
    """If any of all permutations fits, the order has no hop."""
    problem, goal = task
    answer = find_order(Rulebook.of(problem), goal, seed=1)
    if isinstance(answer, Order):
        assert any(move.hop for move in answer.migrations) != some_direct_order(problem, goal)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_same_seed_gives_the_same_order(seed: int) -> None:
    """Two runs agree, move by move."""
    problem = swap()
    goal = goal_of(problem, big="h2", small="h1")
    assert find_order(Rulebook.of(problem), goal, seed=seed) == find_order(Rulebook.of(problem), goal, seed=seed)


def test_a_host_of_no_use_changes_nothing() -> None:
    """An empty disabled host beside the others leaves the order as it was."""
    problem = swap()
    more = {**problem.pool.hosts, "h9": make_host("h9", enabled=False)}
    bigger = problem_of(replace(problem.pool, hosts=more))
    goal = goal_of(problem, big="h2", small="h1")
    assert order_of(bigger, goal) == order_of(problem, goal)


def test_a_vm_that_is_to_stay_steps_aside_where_nothing_else_helps() -> None:
    """Neither of two VMs fits anywhere else, but a third one that stays can make room for a while and comes back."""
    pool = pool_with({"h1": 17.5, "h2": 14.5, "h3": 5}, {"one": ("h1", 8), "two": ("h2", 9), "stay": ("h1", 4)})
    problem = problem_of(pool)
    migrations = summarized(order_of(problem, goal_of(problem, one="h2", two="h1")))
    assert migrations == [("stay", "h3", True), ("two", "h1", False), ("one", "h2", False), ("stay", "h1", False)]


def fewest_hops(problem: Problem, goal: Placement) -> int | None:
    """The least number of hops of any sequence, each VM parked at most once; None where there is no sequence."""
    moving = [move.vm for move in problem.initial.moves_to(goal)]
    end = tuple(goal[vm] for vm in moving)
    layer, seen = [tuple(problem.initial[vm] for vm in moving)], set[tuple[str, ...]]()
    for hops in range(len(moving) + 1):
        following: list[tuple[str, ...]] = []
        while layer:
            state = layer.pop()
            if state in seen:
                continue
            seen.add(state)
            if state == end:
                return hops
            for other in neighbours(problem, goal, moving, state):
                changed = next(number for number in range(len(moving)) if other[number] != state[number])
                (layer if other[changed] == end[changed] else following).append(other)
        layer = following
    return None


@given(tasks(most_vms=5))
def test_no_order_has_fewer_hops(task: tuple[Problem, Placement]) -> None:
    """On small pools the number of hops is the least that any sequence needs."""
    problem, goal = task
    answer = find_order(Rulebook.of(problem), goal, seed=1)
    fewest = fewest_hops(problem, goal)
    if isinstance(answer, Order) and fewest is not None:
        assert sum(move.hop for move in answer.migrations) == fewest
