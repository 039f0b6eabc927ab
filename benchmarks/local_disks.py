"""Pools whose guests have local disks, solved without Storage XenMotion and with it: what it gains, what it takes.

    python -m benchmarks.local_disks [--hosts N] [--vms N] [--local SHARE] [--fill-srs GIB] [--seconds S]

Prints a row for each: overload in pCPU-hours, GiB copied, moves, gap, seconds of preparing and of solving. The answers
are judged by the rules' own checkers; 1 where one of them is refused.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time

from rebalancer.demand import LoadProfile
from rebalancer.inventory import Pool
from rebalancer.objectives import MigrationCost, Overload
from rebalancer.policy import DemandPolicy, Policy
from rebalancer.problem import make_problem
from rebalancer.rules import Rulebook
from rebalancer.simulator import SimulatedPool, Simulator, generate_pool
from rebalancer.solve import solve
from rebalancer.solve.instance.instance import instance_of
from rebalancer.solve.result.check import refused_as_a_whole
from rebalancer.units import GIB
from rebalancer.xapi import Credentials, Trust, connect, measure, read_pool

KEYS = Credentials(user="root", password=secrets.token_urlsafe())


def main(arguments: list[str] | None = None) -> int:
    """Make the pool, solve it both ways, print the rows."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.local_disks", description=__doc__)
    parser.add_argument("--hosts", type=int, default=16)
    parser.add_argument("--vms", type=int, default=250)
    parser.add_argument("--local", type=float, default=0.8, help="share of the guests with a local disk")
    parser.add_argument("--fill-srs", type=int, default=0, metavar="GIB", help="size of local SRs beyond what is used")
    parser.add_argument("--seconds", type=float, default=30.0)
    wish = parser.parse_args(arguments)
    made = generate_pool(hosts=wish.hosts, vms=wish.vms, seed=1, hot=0.25, pinned=0.02, local=wish.local)
    if wish.fill_srs:
        fill_srs(made, wish.fill_srs)
    pool, demand = read(made)
    print(f"{wish.hosts} hosts, {wish.vms} VMs, {wish.local:.0%} of them with a local disk")
    return max(row(pool, demand, enabled=enabled, seconds=wish.seconds) for enabled in (False, True))


def fill_srs(made: SimulatedPool, gib: int) -> None:
    """Leave *gib* free on every local SR, and nothing on shared ones."""
    for sr in made.records["SR"].values():
        free = 0 if sr["shared"] else gib * GIB
        sr["physical_size"] = str(int(sr["physical_utilisation"]) + free)


def read(made: SimulatedPool) -> tuple[Pool, LoadProfile]:
    """The pool and its load, as a XAPI serves them."""
    with (
        Simulator(made, user=KEYS.user, password=KEYS.password) as simulator,
        connect(simulator.url, KEYS, Trust()) as session,
    ):
        pool = read_pool(session)
        return pool, measure(session, pool, DemandPolicy())


def row(pool: Pool, demand: LoadProfile, *, enabled: bool, seconds: float) -> int:
    """Solve, print, judge; 1 where the checker refuses the answer."""
    sections = {"storage_motion": {"enabled": enabled}, "limits": {"solve_seconds": seconds}}
    problem = make_problem(pool, demand, Policy.model_validate(sections))
    start = time.monotonic()
    instance = instance_of(Rulebook.of(problem))
    ready = time.monotonic()
    solution = solve(Rulebook.of(problem))
    done = time.monotonic()
    moves = problem.initial.moves_to(solution.placement)
    overload = [Overload().value(each, Rulebook.of(problem)) for each in (problem.initial, solution.placement)]
    print(
        f"disks {'go along' if enabled else 'stay    '}  {int(instance.legal.sum()):6} pairs, "
        f"{len(instance.disks.tight):2} tight SRs   overload {overload[0]:8.2f} -> {overload[1]:8.3f} pCPU-hours, "
        f"{MigrationCost().value(solution.placement, Rulebook.of(problem)):8.1f} GiB, {len(moves):3} moves, "
        f"{sum(bool(move.disks) for move in moves):3} with disks   gap {solution.tiers[-1].gap:6.2%}   "
        f"instance {ready - start:5.2f} s, solved {done - ready:6.2f} s"
    )
    return int(refused_as_a_whole(Rulebook.of(problem), solution.placement))


if __name__ == "__main__":
    sys.exit(main())
