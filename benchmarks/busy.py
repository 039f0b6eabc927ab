"""Plans on a machine whose cores other processes keep busy, beside plans of the same pools without them.

    python -m benchmarks.busy [HOSTSxVMS ...] [--seeds 1 2] [--seconds 30] [--spinners 12]

Prints a row for each pool: what balancing gains in pCPU-hours without the spinning processes and with them, steps,
hosts left over their threshold, seconds, whether both plans are the same, byte for byte, and whether the wall clock
ended the search. Ends with 1 where less than nine tenths of the gain is left, or plans differ though no clock ended
them.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from rebalancer.objectives import Balance
from rebalancer.plan import Plan
from rebalancer.planner.rebalance import rebalance
from rebalancer.policy import LimitsPolicy, Policy
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Rulebook
from rebalancer.simulator import Simulator, generate_pool
from rebalancer.xapi import Credentials, Trust, connect, measure, read_pool

SHAPES = ("16x250", "48x1100")
SEEDS = (1, 2)
SECONDS, SPINNERS = 30.0, 12
LEAST_SHARE = 0.9
"""Part of the gain on an idle machine that a busy one has to reach."""
MADE_AT = datetime(2026, 11, 1, tzinfo=UTC)

SPIN = "import os, sys\nwhile os.getppid() == int(sys.argv[1]):\n    for _ in range(10**6):\n        pass"
"""A process that keeps a core busy until it is ended, or whoever started it is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A plan, and the seconds of the wall clock that it took."""

    plan: Plan
    seconds: float

    @property
    def gain(self) -> float:
        """PCPU-hours that balancing gains, all that it costs taken off."""
        return sum(tier.before - tier.after for tier in self.plan.tiers if tier.objective == Balance.id)

    @property
    def hot(self) -> int:
        """Hosts over their threshold once the plan is done."""
        threshold = self.plan.policy.objective.threshold
        return sum((row.after.peak_share or 0.0) > threshold for row in self.plan.hosts)

    @property
    def cut(self) -> bool:
        """Whether the wall clock ended the search."""
        return any("wall clock" in words for words in self.plan.warnings)


def main(arguments: list[str] | None = None) -> int:
    """Plan all pools both ways and print the rows; 1 where one of them misses what it has to reach."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.busy", description=__doc__)
    parser.add_argument("shapes", nargs="*", default=SHAPES, metavar="HOSTSxVMS")
    parser.add_argument("--seeds", type=int, nargs="*", default=SEEDS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="limits.solve_seconds")
    parser.add_argument("--spinners", type=int, default=SPINNERS, help="processes that spin")
    chosen = parser.parse_args(arguments)
    print(f"{os.cpu_count()} cores, {chosen.spinners} spinning processes, limits.solve_seconds {chosen.seconds:g}")
    print(
        f"{'pool':>12} {'seed':>4} {'gain idle':>10} {'busy':>10} {'share':>7} {'steps':>9} {'hot':>6} {'seconds':>12}"
    )
    named = [(shape, seed) for shape in chosen.shapes for seed in chosen.seeds]
    problems = [problem_of(shape, seed, chosen.seconds) for shape, seed in named]
    idle = [planned(problem) for problem in problems]
    with spinning(chosen.spinners):
        given = zip(named, problems, idle, strict=True)
        return max([report(each, alone, planned(problem)) for each, problem, alone in given])


def problem_of(shape: str, seed: int, seconds: float) -> Problem:
    """The simulated pool of this *shape* and *seed*, read over HTTP with a week of metrics."""
    hosts, vms = map(int, shape.split("x"))
    policy = Policy(limits=LimitsPolicy(solve_seconds=seconds))
    credentials = Credentials(user="root", password=secrets.token_urlsafe())
    with (
        Simulator(generate_pool(hosts=hosts, vms=vms, seed=seed), password=credentials.password) as simulator,
        connect(simulator.url, credentials, Trust()) as session,
    ):
        pool = read_pool(session)
        return make_problem(pool, measure(session, pool, policy.demand), policy)


def planned(problem: Problem) -> Run:
    """The plan for *problem*, and how long it took."""
    started = time.monotonic()
    plan = rebalance(Rulebook.of(problem), made_at=MADE_AT)
    return Run(plan=plan, seconds=time.monotonic() - started)


@contextmanager
def spinning(count: int) -> Iterator[None]:
    """So many processes spin meanwhile; all of them end, whatever happens."""
    command = [sys.executable, "-c", SPIN, str(os.getpid())]
    processes = [subprocess.Popen(command) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


def report(named: tuple[str, int], idle: Run, busy: Run) -> int:
    """One row of the table; 1 where something is missed."""
    share = busy.gain / idle.gain if idle.gain else 1.0
    same = idle.plan.digest == busy.plan.digest
    missed = share < LEAST_SHARE or not (same or idle.cut or busy.cut)
    row = [f"{named[0]:>12} {named[1]:>4} {idle.gain:>10.2f} {busy.gain:>10.2f} {share:>7.1%}"]
    row += [f"{len(idle.plan.steps):>4},{len(busy.plan.steps):>4} {idle.hot:>3},{busy.hot:>2}"]
    row += [f"{idle.seconds:>6.0f},{busy.seconds:>5.0f} ", "same plan" if same else "other plan"]
    row += ["ended by the clock"] * busy.cut + ["MISSED"] * missed
    print(" ".join(row), flush=True)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
