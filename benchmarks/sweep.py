"""Scenarios of pools with 16 hosts and 250 VMs, swept by two processes: `python -m benchmarks.sweep [NAME ...]`.

Fifty scenarios of each instance: growth, hosts that are lost, emptied and added, other thresholds. Prints how long they
take by the wall clock and of CPUs. Ends with 1 where that is more than two CPUs do in 60 s, so that a busy machine does
not count, or where one process alone comes to other results.
"""

from __future__ import annotations

import resource
import sys
import time
from datetime import UTC, datetime

from benchmarks.fit import usual
from benchmarks.neutral import INSTANCES, pools, problem_of, read_instance
from rebalancer import scenarios as sc
from rebalancer.face.model import Model
from rebalancer.face.read import PoolState
from rebalancer.problem import Problem
from rebalancer.scenarios import Edit, outcomes

NAMES = ("16x250",)
NOW = datetime(2026, 11, 1, tzinfo=UTC)
MOST_SECONDS = 60.0
WORKERS = 2
SEEN_TWICE = 6
"""Scenarios that are also worked on by one process alone."""


def scenarios(problem: Problem) -> dict[str, Edit]:
    """Fifty of them."""
    hosts = sorted(problem.pool.hosts)
    found: dict[str, Edit] = {f"grow by {by} %": sc.grow("*", cpu=1 + by / 100) for by in range(1, 13)}
    found |= {f"lose {host}": sc.lose(host) for host in hosts[:12]}
    found |= {f"retire {host}": sc.retire(host) for host in hosts[:12]}
    found |= {f"{count} hosts more": sc.add_hosts(count) for count in range(1, 5)}
    return found | {f"threshold {at} %": sc.policy({"objective.threshold": at / 100}) for at in range(60, 80, 2)}


def main(names: list[str] | None = None) -> int:
    """A row for each instance."""
    return int(sum(map(_missed, (sys.argv[1:] if names is None else names) or NAMES)) > 0)


def _missed(name: str) -> bool:
    problem = usual(problem_of(next(iter(pools(read_instance(INSTANCES / f"{name}.json.gz")))), seconds=2.0, seed=1))
    state = PoolState(pool=problem.pool, demand=problem.demand, taken_at=NOW, source=name)
    model, wanted = Model(state, problem.policy), scenarios(problem)
    started = time.perf_counter()
    found = outcomes(model, wanted, workers=WORKERS)
    took, worked = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    again = dict(list(wanted.items())[:: len(wanted) // SEEN_TWICE])
    alone = outcomes(model, again, workers=1)
    same = alone == tuple(each for each in found if each.name in again)
    missed = worked > WORKERS * MOST_SECONDS or not same
    feasible = sum(each.feasible for each in found)
    row = f"{name:10} {len(found)} scenarios, {feasible} feasible   {took:5.1f} s, {worked:5.1f} s of CPUs"
    print(f"{row}   one process: {'the same' if same else 'OTHERWISE'}{'   MISSED' if missed else ''}", flush=True)
    return missed


if __name__ == "__main__":
    sys.exit(main())
