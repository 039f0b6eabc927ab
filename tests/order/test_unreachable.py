"""What is proven never to arrive has no way, and what has a way is never called hopeless."""

from __future__ import annotations

import random
from collections import deque

import pytest

from rebalancer.inventory import Uuid
from rebalancer.order.beam import Beam
from rebalancer.order.prune import is_legal, shortened
from rebalancer.order.state import State
from rebalancer.order.unreachable import never_arrives
from rebalancer.placement import Migration, Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.solve.exact.packing import cannot_fit
from tests.plan.made import goal_of, pool_with
from tests.pools import policy_of, problem_of

Where = tuple[Uuid, ...]


def tiny(chance: random.Random) -> tuple[Problem, Placement]:
    """Three crowded hosts of 14 GiB with five or six VMs, and another packing of them."""
    hosts, count = ["h1", "h2", "h3"], chance.randint(5, 6)
    while True:
        sizes = [chance.choice([3, 4, 5, 7]) for _ in range(count)]
        before, after = ([chance.choice(hosts) for _ in sizes] for _ in range(2))
        crowded = sum(sizes) >= 0.66 * 42
        fits = all(
            sum(size * 1.05 for size, at in zip(sizes, each, strict=True) if at == host) <= 14
            for each in (before, after)
            for host in hosts
        )
        if crowded and fits and before != after:
            break
    vms = {f"v{number}": (at, float(size)) for number, (size, at) in enumerate(zip(sizes, before, strict=True))}
    problem = problem_of(pool_with(dict.fromkeys(hosts, 14.0), vms), policy=policy_of(rules={"set": "enforced"}))
    return problem, goal_of(problem, **{f"v{number}": host for number, host in enumerate(after)})


def reachable(problem: Problem, goal: Placement) -> bool:
    """Whether any sequence of legal migrations leads to *goal*: every state that can be reached is looked at."""
    state, vms, hosts = State(Rulebook.of(problem)), list(problem.initial), list(problem.pool.hosts)
    start, end = tuple(problem.initial[vm] for vm in vms), tuple(goal[vm] for vm in vms)
    seen, left = {start}, deque([start])
    while left:
        here = left.popleft()
        bring(state, vms, here)
        for number, vm in enumerate(vms):
            for host in hosts:
                there = (*here[:number], host, *here[number + 1 :])
                if there not in seen and state.allows(vm, host):
                    seen.add(there)
                    left.append(there)
    return end in seen


def bring(state: State, vms: list[Uuid], where: Where) -> None:
    """Put every VM where it is to be looked at, whatever the rules say of the way."""
    for vm, host in zip(vms, where, strict=True):
        if state.host_of[vm] != host:
            state.move(Migration(vm=vm, source=state.host_of[vm], target=host))


@pytest.mark.parametrize("seed", range(40))
def test_every_answer_is_that_of_exhaustive_search(seed: int) -> None:
    """A hopeless move means that no state with it can be reached; the beam finds a way exactly where there is one."""
    problem, goal = tiny(random.Random(seed))
    moves = problem.initial.moves_to(goal)
    possible = reachable(problem, goal)
    hopeless = never_arrives(Rulebook.of(problem), moves)
    assert not (possible and hopeless)
    state = State(Rulebook.of(problem))
    migrations = Beam(state, goal.host_of, seed=1).search()
    assert (migrations is not None) is possible
    if migrations is not None:
        assert is_legal(migrations, state)
        short = shortened(migrations, state)
        assert is_legal(short, state)
        assert len(short) <= len(migrations)
        assert {**problem.initial.host_of, **{move.vm: move.target for move in short}} == goal.host_of


def test_some_tiny_pools_are_hopeless() -> None:
    """So that the test above is about both."""
    cases = [tiny(random.Random(seed)) for seed in range(40)]
    answers = [never_arrives(Rulebook.of(problem), problem.initial.moves_to(goal)) for problem, goal in cases]
    assert any(answers)
    assert not all(answers)
    assert {answer[1] for answer in answers if answer} == {"enough-memory"}


@pytest.mark.parametrize(
    ("items", "room", "barred", "impossible"),
    [
        ([(3,), (3,)], [[3, 3]], [], False),
        ([(3,), (3,), (1,)], [[3, 3]], [], True),
        ([(3,), (3,)], [[3, 3]], [(0, 0)], False),
        ([(3,), (2,)], [[3, 2]], [(0, 0)], True),
        ([(2, 1), (2, 1)], [[4, 0], [1, 1]], [], True),
        ([(2,), (3,), (2,), (3,)], [[5, 5]], [], False),
        ([(3,), (3,), (2,), (2,)], [[6, 3]], [], True),
        ([], [[1]], [], False),
    ],
)
def test_packing_by_hand(
    items: list[tuple[int, ...]], room: list[list[int]], barred: list[tuple[int, int]], *, impossible: bool
) -> None:
    """Exact on what can be seen with the bare eye: one kind of limit or two, items that may not go everywhere."""
    assert cannot_fit(items, room, barred=barred) is impossible
