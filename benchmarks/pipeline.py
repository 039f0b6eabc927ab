"""The main job on a simulated pool of 16 hosts and 250 VMs: how long each stage takes, held against its limit.

    python -m benchmarks.pipeline

Prints a table and ends with 1 when a limit is missed.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from rebalancer.export import read_plan, write_plan
from rebalancer.plan import Plan
from rebalancer.planner.rebalance import rebalance
from rebalancer.policy import LimitsPolicy, Policy
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Rulebook
from rebalancer.simulator import Simulator, generate_pool
from rebalancer.solve import Solution, solve
from rebalancer.verify.verify import verify_plan
from rebalancer.xapi import Credentials, Trust, connect, measure, read_pool

HOSTS, VMS, SEED = 16, 250, 1
GAP = 0.01
READ_SECONDS, SOLVE_SECONDS, PLAN_SECONDS, HELP_SECONDS = 5.0, 10.0, 2.0, 0.5

T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What *work* returns, and how many seconds it took."""
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


def read() -> Problem:
    """A problem read over HTTP: inventory and a week of RRDs."""
    credentials = Credentials(user="root", password=secrets.token_urlsafe())
    policy = Policy(limits=LimitsPolicy(solve_seconds=SOLVE_SECONDS))
    with (
        Simulator(generate_pool(hosts=HOSTS, vms=VMS, seed=SEED), password=credentials.password) as simulator,
        connect(simulator.url, credentials, Trust()) as session,
    ):
        pool, inventory = timed(lambda: read_pool(session))
        demand, metrics = timed(lambda: measure(session, pool, policy.demand))
    report("read inventory and metrics", inventory + metrics, READ_SECONDS)
    return make_problem(pool, demand, policy)


def export(plan: Plan, problem: Problem) -> None:
    """Write the plan, read it back, verify it."""
    with TemporaryDirectory() as folder:
        write_plan(plan, Path(folder))
        findings = verify_plan(read_plan(Path(folder)), problem.pool, problem.demand, now=datetime.now(UTC))
    if findings:
        sys.exit(f"the plan is refused: {findings[0]}")


FAILED: list[str] = []


def report(stage: str, seconds: float, limit: float) -> None:
    """One row of the table."""
    missed = seconds > limit
    if missed:
        FAILED.append(stage)
    print(f"{stage:36} {seconds:8.2f} s   limit {limit:5.1f} s   {'MISSED' if missed else 'ok'}")


def report_gap(solution: Solution) -> None:
    """The quality of the answer: proven, or close enough."""
    for tier in solution.tiers:
        words = "proven" if tier.proved else f"gap {tier.gap:.2%}"
        print(f"  {tier.objective}: {tier.before:.3f} -> {tier.after:.3f} {tier.unit}, bound {tier.bound:.3f}, {words}")
        if not tier.proved and tier.gap > GAP:
            FAILED.append(f"gap of {tier.objective}")


def main() -> int:
    """Run the stages; 1 where a limit was missed."""
    problem = read()
    solution, solving = timed(lambda: solve(Rulebook.of(problem)))
    report("solve", solving, SOLVE_SECONDS)
    report_gap(solution)
    plan, whole = timed(lambda: rebalance(Rulebook.of(problem), made_at=datetime.now(UTC)))
    report("order and compose the plan", max(0.0, whole - solving), PLAN_SECONDS)
    report("write, read back and verify", timed(lambda: export(plan, problem))[1], PLAN_SECONDS)
    command = [sys.executable, "-m", "rebalancer", "--help"]
    report(
        "rebalancer --help", timed(lambda: subprocess.run(command, check=True, capture_output=True))[1], HELP_SECONDS
    )
    print(f"{len(plan.steps)} steps: {plan.summary}")
    if FAILED:
        print(f"missed: {', '.join(FAILED)}")
    return int(bool(FAILED))


if __name__ == "__main__":
    sys.exit(main())
