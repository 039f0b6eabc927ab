"""Pools so small that every placement can be looked at, and the whole truth about them by brute force."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from rebalancer.demand import LoadProfile, Quality
from rebalancer.inventory import Pool
from rebalancer.objectives import Balance, MigrationCost, Objective, Repair
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.solve.exact.solver import one_worker
from rebalancer.solve.instance.instance import instance_of
from rebalancer.solve.model.tier import TierProblem, placement_of
from rebalancer.units import GIB
from tests.pools import make_host, make_pool, make_vm, policy_of, problem_of

BALANCING: tuple[Objective, ...] = (Repair(), Balance())
"""What balancing improves, in order."""
WINDOW_END = datetime(2026, 11, 1, tzinfo=UTC)
SLOTS = 4
RACKS = ("rack:A", "rack:A", "rack:B")
"""Tags of the hosts, in their order."""
HARD = 0.6
"""Share of the groups of random problems that are hard."""


def make_demand(pool: Pool, load: Mapping[str, Sequence[float]], *, base: float = 0.0) -> LoadProfile:
    """The load of the VMs in pCPUs by slot, `SLOTS` of them; VMs that are not named use a tenth of a pCPU."""
    vms = tuple(vm.uuid for vm in pool.resident_guests())
    return LoadProfile(
        vms=vms,
        hosts=tuple(pool.hosts),
        vm_pcpu=np.array([load.get(vm, (0.1,) * SLOTS) for vm in vms], dtype=np.float64).reshape(len(vms), SLOTS),
        host_base_pcpu=np.full((len(pool.hosts), SLOTS), base),
        slot_hours=1.0,
        quality=dict.fromkeys(vms, Quality.MEASURED),
        percentile=95.0,
        window_start=WINDOW_END,
        window_end=WINDOW_END,
        timezone="UTC",
        source="a test",
    )


def tiny(
    vms: Mapping[str, tuple[str, float]],
    *,
    hosts: Mapping[str, float] | None = None,
    load: Mapping[str, Sequence[float]] | None = None,
    held: Sequence[str] = (),
    **sections: Any,  # noqa: ANN401 - sections of a policy
) -> Problem:
    """A pool of *vms* (host and GiB by name) on *hosts* (GiB for guests by name; three of 32 by default).

    *held* are VMs that somebody blocked from migrating.
    """
    sizes = hosts or {"h1": 32.0, "h2": 32.0, "h3": 32.0}
    machines = [
        make_host(name, memory_total_bytes=int((size + 4.5) * GIB), memory_overhead_bytes=0, tags=(rack,))
        for (name, size), rack in zip(sizes.items(), itertools.cycle(RACKS), strict=False)
    ]
    blocked = {"blocked_operations": {"pool_migrate": "BACKUP", "migrate_send": "BACKUP"}}
    guests = [make_vm(name, on=on, gib=gib, **blocked if name in held else {}) for name, (on, gib) in vms.items()]
    pool = make_pool(hosts=machines, vms=guests)
    demand = None if load is None else make_demand(pool, load)
    return problem_of(pool, policy=policy_of(**sections), demand=demand)


def random_problem(seed: int, *, vms: int = 5) -> Problem:
    """Three hosts, a few VMs that fill them, and wishes of every kind, hard and soft, some of them broken tonight."""
    chance = random.Random(seed)
    names = [f"v{number}" for number in range(vms)]
    sizes = {name: chance.choice([2, 4, 8, 12]) for name in names}
    homes = {name: chance.choice(["h1", "h1", "h2", "h3"]) for name in names}
    filled = {host: sum(sizes[name] for name in names if homes[name] == host) for host in ("h1", "h2", "h3")}
    room = {host: filled[host] + chance.choice([-2, 0, 4, 9]) for host in filled}
    # Loads of 40 to 90 % of 16 pCPUs, in thousandths: what metrics of real pools look like.
    load = {name: [chance.randint(500, 9000) / 1000 for _ in range(SLOTS)] for name in names}
    sections: dict[str, Any] = {
        "apart": [{"name": "a", "vms": chance.sample(names, 3), "at_most": chance.choice([1, 2])}],
        "together": [{"name": "t", "vms": chance.sample(names, 2)}] if chance.random() < 0.5 else [],
        "run_on": [{"name": "r", "vms": [names[0]], "hosts": chance.sample(["h1", "h2", "h3"], 2)}],
        "empty": ["h3"] if chance.random() < 0.3 else [],
        "limits": {"minimum_gain_pcpu_hours": 0, "solve_seconds": 20},
    }
    if set(sections["apart"][0]["vms"]) >= set((sections["together"] or [{"vms": ["?"]}])[0]["vms"]):
        sections["together"] = []
    sections["spread"] = [{"name": "s", "vms": chance.sample(names, 3), "domain": "rack"}] * chance.choice([0, 1])
    for section in ("apart", "together", "run_on", "spread"):
        sections[section] = [{**group, "hard": chance.random() < HARD} for group in sections[section]]
    placed = {name: (homes[name], float(sizes[name])) for name in names}
    sizes_of_hosts = {host: float(size) for host, size in room.items()}
    held = [names[-1]] if chance.random() < 0.3 else []
    return tiny(placed, hosts=sizes_of_hosts, load=load, held=held, **sections)


def placements(problem: Problem) -> Iterator[Placement]:
    """Every way to put the VMs on the hosts."""
    vms = list(problem.initial)
    for hosts in itertools.product(problem.pool.hosts, repeat=len(vms)):
        yield Placement(dict(zip(vms, hosts, strict=True)))


def accepted_by_checker(problem: Problem) -> set[tuple[str, ...]]:
    """The placements that the rules accept, as hosts in the order of the VMs."""
    book = Rulebook.of(problem)
    targets = {vm: {*book.live.targets(problem.pool.vms[vm]), problem.initial[vm]} for vm in problem.initial}
    return {
        tuple(goal.host_of.values())
        for goal in placements(problem)
        if all(goal[vm] in targets[vm] for vm in goal) and not book.violations(goal, since=problem.initial)
    }


def accepted_by_model(problem: Problem) -> set[tuple[str, ...]]:
    """The placements that the model accepts, all of them enumerated by CP-SAT."""
    instance = instance_of(Rulebook.of(problem))
    tier = TierProblem(instance=instance, objective=MigrationCost())
    model, _ = tier.model(tier.whole())
    found: set[tuple[str, ...]] = set()

    class Collector(cp_model.CpSolverSolutionCallback):
        def on_solution_callback(self) -> None:
            at = model.placement(self.response_proto.solution)
            found.add(tuple(placement_of(instance, at).host_of.values()))

    solver = one_worker()
    solver.parameters.enumerate_all_solutions = True
    solver.solve(model.writer.model(), Collector())
    return found


def best(problem: Problem, objectives: Sequence[Objective]) -> tuple[float, ...]:
    """The lexicographic optimum of *objectives* over everything that the checker accepts."""
    vms, book = list(problem.initial), Rulebook.of(problem)
    return min(
        tuple(round(objective.value(goal, book), 9) for objective in objectives)
        for hosts in accepted_by_checker(problem)
        for goal in [Placement(dict(zip(vms, hosts, strict=True)))]
    )
