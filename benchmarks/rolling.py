"""Working on all hosts of 16 x 250 in turn: how long planning takes, and how much is copied, held against the bound.

    python -m benchmarks.rolling

Prints a table and ends with 1 when a limit is missed.
"""

from __future__ import annotations

import secrets
import sys
import time
from datetime import UTC, datetime

from rebalancer.policy import IntentPolicy, Policy
from rebalancer.problem import Problem, make_problem
from rebalancer.simulator import Simulator, generate_pool
from rebalancer.whatif import rolling
from rebalancer.xapi import Credentials, Trust, connect, measure, read_pool

HOSTS, VMS, SEED, FILL = 16, 250, 1, 0.7
SECONDS, OVER_BOUND = 30.0, 1.01
NEWER = "99.0.0"
GIB = 2**30

CASES = (("reboot", None, True), ("reboot, stay", None, False), ("update", NEWER, True), ("update, stay", NEWER, False))


def read() -> Problem:
    """A pool in which every VM may move, read over HTTP with a week of metrics."""
    policy = Policy(intent=IntentPolicy(read_tags=False))
    credentials = Credentials(user="root", password=secrets.token_urlsafe())
    simulated = generate_pool(hosts=HOSTS, vms=VMS, seed=SEED, fill=FILL, hot=0.0, pinned=0.0)
    with (
        Simulator(simulated, password=credentials.password) as simulator,
        connect(simulator.url, credentials, Trust()) as session,
    ):
        pool = read_pool(session)
        return make_problem(pool, measure(session, pool, policy.demand), policy)


def main() -> int:
    """Measure; 0 if every limit is kept."""
    problem = read()
    print(f"{HOSTS} hosts, {VMS} VMs, {FILL:.0%} of the memory in use")
    print(f"{'':14}{'stages':>8}{'GiB':>10}{'bound':>10}{'seconds':>9}")
    kept = True
    for name, version, come_home in CASES:
        started = time.perf_counter()
        found = rolling(problem, (), version=version, come_home=come_home, made_at=datetime.now(UTC))
        seconds = time.perf_counter() - started
        copied, bound = found.copied_bytes / GIB, found.bound_bytes / GIB
        good = not found.refused and not found.deviations and seconds <= SECONDS and copied <= OVER_BOUND * bound
        kept = kept and good
        print(f"{name:14}{len(found.stages):8}{copied:10.1f}{bound:10.1f}{seconds:9.1f}  {'' if good else 'MISSED'}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
