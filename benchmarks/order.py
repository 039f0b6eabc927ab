"""Orders where memory is scarce: 200 swap-heavy cases at each fill, each ordered, or proven to have no order.

    python -m benchmarks.order [--cases N] [--seed N]

A case is two random packings of the same VMs; nearly every VM moves from one to the other. Every order is carried out
here on plain sums of memory, both copies counted; where it is claimed that there is none, all states are searched.
Prints a table, and ends with 1 where a case stays undecided.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence

from benchmarks.exhaust import Answer, Exhaustion
from rebalancer.inventory import Uuid
from rebalancer.order.order import Deadlock, find_order
from rebalancer.placement import Migration, Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.rules.facts.memory_model import arrival_bytes, counts_xen_vcpu_pages, guest_bytes, held_apart_from
from tests.order.tight import tight_task

FILLS = (0.75, 0.85, 0.92)
CASES, SEED = 200, 5
HOSTS = (4, 5, 6, 7, 8)
MOST_STATES = 400_000


def fits(problem: Problem, goal: Placement, migrations: Sequence[Migration]) -> bool:
    """Whether *migrations* lead to *goal* with every VM's memory free on its target when it starts."""
    pool = problem.pool
    pages = counts_xen_vcpu_pages(pool)
    size: dict[Uuid, int] = {vm: arrival_bytes(pool.vms[vm], xen_vcpu_pages=pages) for vm in problem.initial}
    at = dict(problem.initial.host_of)
    apart = held_apart_from(pool, problem.initial)
    free = {host: guest_bytes(pool.hosts[host]) - apart[host] for host in pool.hosts}
    for vm, host in at.items():
        free[host] -= size[vm]
    for move in migrations:
        if at[move.vm] != move.source or free[move.target] < size[move.vm]:
            return False
        free[move.source] += size[move.vm]
        free[move.target] -= size[move.vm]
        at[move.vm] = move.target
    return at == goal.host_of


def hopeless(problem: Problem, goal: Placement) -> bool:
    """Whether no moves at all lead to *goal*: all states are searched, with memory alone.

    VMs weigh what they do at home: those that moved weigh a little more, so what is impossible here is so in truth.
    """
    rows = Rulebook.of(problem).memory_rows
    hosts = [{"id": host, "memory_bytes": row.upper, "memory_reserved_bytes": 0} for row in rows for host in row.places]
    at, weights = problem.initial.host_of, rows[0].weights.resident
    vms = [{"id": vm, "host": at[vm], "memory_bytes": weights[vm]} for vm in at]
    return Exhaustion({"hosts": hosts, "vms": vms}, goal.host_of, MOST_STATES).run() is Answer.IMPOSSIBLE


def measure(fill: float, cases: int, seed: int) -> bool:
    """Print the row of one fill; whether every case is decided, and every order fits."""
    chance = random.Random(seed)
    ordered = impossible = wrong = hops = migrations = 0
    longest = 0.0
    started = time.perf_counter()
    for number in range(cases):
        problem, goal = tight_task(HOSTS[number % len(HOSTS)], chance, fill=fill)
        begun = time.perf_counter()
        answer = find_order(Rulebook.of(problem), goal, seed=1)
        longest = max(longest, time.perf_counter() - begun)
        if isinstance(answer, Deadlock):
            impossible += answer.proved and hopeless(problem, goal)
            continue
        ordered, migrations = ordered + 1, migrations + len(answer.migrations)
        hops += sum(move.hop for move in answer.migrations)
        wrong += not fits(problem, goal, answer.migrations)
    undecided = cases - ordered - impossible
    mean = (time.perf_counter() - started) / cases
    print(
        f"{fill:5.0%}{ordered:9}{impossible:10}{undecided:11}{wrong:7}{migrations:7}{hops:6}{mean:9.2f}{longest:9.1f}"
    )
    return not undecided and not wrong


def main(arguments: Sequence[str] = ()) -> int:
    """Measure every fill; 0 if all cases are decided and all orders fit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--seed", type=int, default=SEED)
    wanted = parser.parse_args(list(arguments))
    print(f"{wanted.cases} cases each; seconds: mean and longest")
    print(
        f"{'fill':>5}{'ordered':>9}{'no order':>10}{'undecided':>11}"
        f"{'wrong':>7}{'moves':>7}{'hops':>6}{'mean':>9}{'longest':>9}"
    )
    kept = [measure(fill, wanted.cases, wanted.seed) for fill in FILLS]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
