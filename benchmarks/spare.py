"""What hosts to spare cost: planning and verifying with none, one and two, for the same simulated pool.

    python -m benchmarks.spare [HOSTS VMS SECONDS]

Prints one row for each number of hosts that may fail, and ends with 1 when a plan is refused.
"""

from __future__ import annotations

import secrets
import sys
import time
from datetime import UTC, datetime
from itertools import pairwise

from rebalancer.planner.rebalance import rebalance
from rebalancer.policy import Covered, LimitsPolicy, Policy, SparePolicy
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Rulebook
from rebalancer.rules.availability.spare import Spare
from rebalancer.simulator import Simulator, generate_pool
from rebalancer.solve import solve
from rebalancer.verify.verify import verify_plan
from rebalancer.xapi import Credentials, Trust, connect, measure, read_pool

SEED = 1
USUAL = ("16", "250", "10")


def main(hosts: int, vms: int, seconds: float) -> int:
    """Read once, plan three times."""
    credentials = Credentials(user="root", password=secrets.token_urlsafe())
    policy = Policy(limits=LimitsPolicy(solve_seconds=seconds))
    with (
        Simulator(generate_pool(hosts=hosts, vms=vms, seed=SEED), password=credentials.password) as simulator,
        connect(simulator.url, credentials, Trust()) as session,
    ):
        pool = read_pool(session)
        demand = measure(session, pool, policy.demand)
    refused = 0
    for failing in (0, 1, 2):
        spare = SparePolicy(hosts=failing, vms=Covered.ALL)
        refused += _row(failing, make_problem(pool, demand, policy.model_copy(update={"spare": spare})))
    return int(refused > 0)


def _row(failing: int, problem: Problem) -> int:
    """Solve, then plan the whole way, then verify; how many findings speak against the plan."""
    standing = [limit.standing(limit.start) for limit in Spare().limits(problem)]
    times = [time.perf_counter()]
    solve(Rulebook.of(problem))
    times.append(time.perf_counter())
    plan = rebalance(Rulebook.of(problem), made_at=datetime.now(UTC))
    times.append(time.perf_counter())
    findings = verify_plan(plan, problem.pool, problem.demand, now=datetime.now(UTC))
    times.append(time.perf_counter())
    solving, planning, verifying = (later - earlier for earlier, later in pairwise(times))
    print(
        f"{failing} to spare: solve {solving:6.2f} s   order and compose {max(0.0, planning - solving):6.2f} s   "
        f"verify {verifying:5.2f} s   {len(plan.steps)} steps   {plan.reason}"
    )
    print(*(f"  {each}" for each in standing), sep="\n", end="\n" if standing else "")
    return len(findings)


if __name__ == "__main__":
    first, second, third = sys.argv[1:] or USUAL
    sys.exit(main(int(first), int(second), float(third)))
