"""Random pools of two, so small that every placement can be looked at."""

from __future__ import annotations

import random
from dataclasses import replace

from rebalancer.inventory import Pool
from rebalancer.problem import Problem
from rebalancer.units import GIB
from tests.solve.tiny import make_demand
from tests.two_pools import crossing_policy, one_pool, pool_vm, two_pools


def random_problem(seed: int) -> Problem:
    """Two pools of two hosts, five VMs, SRs that are nearly full, maps for some, and a pool that is too hot."""
    chance = random.Random(seed)
    homes = {name: chance.choice(["e1", "e1", "e2", "w1"]) for name in "abcde"}
    vms = {side: [pool_vm(name, on=on) for name, on in homes.items() if on[0] == side] for side in "ew"}
    pools = [
        with_room(one_pool(side, *vms[side]), {sr: chance.choice([0, 25, 45, 90]) for sr in _srs(side)})
        for side in "ew"
    ]
    maps = chance.choice([{}, {"srs": {"e-shared": "w-l1"}}])
    prices = {"pcpu_hours_per_gib": chance.choice([0.001, 0.02, 0.1])}
    limits = {"minimum_gain_pcpu_hours": 0, "maximum_gib": chance.choice([None, 40.0])}
    problem = two_pools(*pools, policy=crossing_policy(objective=prices, limits=limits, **maps))
    load = {name: [chance.randint(3000, 9000) / 1000 for _ in range(4)] for name in homes}
    return replace(problem, demand=make_demand(problem.pool, load))


def _srs(side: str) -> list[str]:
    """The SRs of a side."""
    return [f"{side}-{sr}" for sr in ("l1", "l2", "shared")]


def with_room(pool: Pool, gib: dict[str, float]) -> Pool:
    """*pool* with SRs that have so many GiB left beside what is there."""
    srs = {
        uuid: replace(sr, physical_size_bytes=sr.physical_utilisation_bytes + int(gib.get(uuid, 0) * GIB))
        for uuid, sr in pool.srs.items()
    }
    return replace(pool, srs=srs)
