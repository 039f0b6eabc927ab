"""Nearly full pools in which almost every VM changes its place."""

from __future__ import annotations

import random

from rebalancer.placement import Placement
from rebalancer.problem import Problem
from tests.plan.made import goal_of, pool_with
from tests.pools import policy_of, problem_of

ROOM = 128
SIZES = (8, 12, 16, 24, 32)
FILL = 0.92


def packed(sizes: list[int], hosts: int, chance: random.Random) -> list[int] | None:
    """A random host for each size, large ones first; None where this packing did not work out."""
    left = [float(ROOM)] * hosts
    placed = [0] * len(sizes)
    for number in sorted(range(len(sizes)), key=lambda each: (-sizes[each], chance.random())):
        fitting = [host for host in range(hosts) if left[host] >= held(sizes[number])]
        if not fitting:
            return None
        placed[number] = chance.choice(fitting)
        left[placed[number]] -= held(sizes[number])
    return placed


def held(size: int) -> float:
    """GiB that a VM takes with its overhead, rounded up generously."""
    return size * 1.02 + 0.05


def tight_task(hosts: int, chance: random.Random, *, fill: float = FILL) -> tuple[Problem, Placement]:
    """A pool at *fill* of its memory, and another packing of the same VMs."""
    sizes: list[int] = []
    while sum(map(held, sizes)) < hosts * ROOM * fill - held(max(SIZES)) / 2:
        sizes.append(chance.choice(SIZES))
    before, after = packed(sizes, hosts, chance), packed(sizes, hosts, chance)
    if before is None or after is None:
        return tight_task(hosts, chance, fill=fill)
    vms = {f"v{number:03}": (f"h{before[number]:02}", float(size)) for number, size in enumerate(sizes)}
    pool = pool_with({f"h{host:02}": ROOM for host in range(hosts)}, vms)
    problem = problem_of(pool, policy=policy_of(rules={"set": "enforced"}))
    return problem, goal_of(problem, **{f"v{number:03}": f"h{host:02}" for number, host in enumerate(after)})
