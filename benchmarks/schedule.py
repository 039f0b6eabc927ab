"""How long plans take against what no schedule can beat: every instance once solved, and 150 moves at random.

    python -m benchmarks.schedule [FOLDER] [--seconds S]

Prints a table and ends with 1 when a timetable breaks a limit or a relation, beats the bound, or, for 150 moves under
the limits of the default policy, takes more than 10 s to make or more than 1.01 times the work bound: the most that
leaves or comes to one host, or that the pool moves, each by how many may run at once.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.neutral import RULES, problem_of, read_instance
from rebalancer.order.order import Order, find_order
from rebalancer.placement import Migration, Placement
from rebalancer.plan.duration import NO_EXPERIENCE
from rebalancer.planner.compose import SCHEDULE_EFFORT
from rebalancer.policy import Intent, LimitsPolicy
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.schedule.lanes import Job
from rebalancer.schedule.retime import in_time
from rebalancer.solve import solve

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "instances"
LIMITS = (
    {"concurrent": 2, "in_per_host": 1, "out_per_host": 1},
    {"concurrent": 8, "in_per_host": 1, "out_per_host": 1},
    {"concurrent": 8, "in_per_host": 2, "out_per_host": 2},
)
MOVES, LARGE = 150, 1000
"""So many moves, in instances with so many VMs."""
MOST_SECONDS, MOST_RATIO = 10.0, 1.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One timetable: its length and the work bound in minutes, how long it took to make, what is wrong with it."""

    name: str
    moves: int
    limits: LimitsPolicy
    minutes: float
    bound: float
    chain: float
    seconds: float
    wrong: int

    @property
    def ratio(self) -> float:
        """Length by work bound."""
        return self.minutes / self.bound

    @property
    def missed(self) -> bool:
        """Whether the timetable is wrong, or too long or too slow where that is promised."""
        slow = self.seconds > MOST_SECONDS or self.ratio > MOST_RATIO
        promised = self.moves >= MOVES and self.limits == LimitsPolicy()
        return bool(self.wrong) or (promised and slow)

    def __str__(self) -> str:
        """A line of the table."""
        at_once = f"{self.limits.concurrent}/{self.limits.out_per_host}/{self.limits.in_per_host}"
        return (
            f"{self.name:22} {self.moves:5}  {at_once:7} {self.minutes:8.1f} {self.bound:8.1f} {self.ratio:7.4f} "
            f"{self.minutes / self.chain:7.4f} {self.seconds:7.2f}  {self.wrong or ''}"
        )


def migrations_to(problem: Problem, goal: Placement) -> Sequence[Migration] | None:
    """An order of the moves to *goal*, None where there is none."""
    order = find_order(Rulebook(problem, RULES), goal, seed=1)
    return order.migrations if isinstance(order, Order) else None


def at_random(problem: Problem, moves: int) -> Sequence[Migration]:
    """An order of so many moves of random VMs to random hosts that have room for them even before anybody leaves.

    Raises:
        LookupError: there is none.
    """
    chance = random.Random(1)
    at, free, left = dict(problem.initial.host_of), _free(problem), moves
    for vm in chance.sample(sorted(at), len(at)):
        size = problem.pool.vms[vm].migration_memory_bytes
        roomy = [host for host in sorted(free) if free[host] >= size and host != at[vm]]
        if roomy and left:
            at[vm] = chance.choice(roomy)
            free[at[vm]] -= size
            left -= 1
    migrations = None if left else migrations_to(problem, Placement(at))
    if migrations is None:
        raise LookupError(f"{problem.pool.name} has no room for {moves} moves")
    return migrations


def _free(problem: Problem) -> dict[str, int]:
    """Bytes free on each host."""
    free = {
        name: (host.memory_total_bytes or 0) - host.memory_overhead_bytes for name, host in problem.pool.hosts.items()
    }
    for vm, host in problem.initial.host_of.items():
        free[host] -= problem.pool.vms[vm].migration_memory_bytes
    return free


def measured(name: str, migrations: Sequence[Migration], problem: Problem) -> Iterator[Row]:
    """A row for each of LIMITS."""
    for chosen in LIMITS:
        policy = problem.policy.model_copy(update={"limits": LimitsPolicy(**chosen)})
        limited = replace(problem, policy=policy)
        begun = time.perf_counter()
        found = in_time(migrations, Rulebook(limited, RULES), NO_EXPERIENCE, SCHEDULE_EFFORT)
        seconds = time.perf_counter() - begun
        jobs, made = found.jobs, found.timetable
        yield Row(
            name=name,
            moves=len(migrations),
            limits=policy.limits,
            minutes=made.ticks / 600,
            bound=work_bound(jobs, policy.limits) / 600,
            chain=float(made.bound) / 600,
            seconds=seconds,
            wrong=faults(jobs, made.starts, policy.limits) + (made.ticks < made.bound),
        )


def work_bound(jobs: Sequence[Job], limits: LimitsPolicy) -> float:
    """Ticks that the work takes, whatever waits for what."""
    out, into = Counter[str](), Counter[str]()
    for job in jobs:
        out[job.migration.source] += job.ticks
        into[job.migration.target] += job.ticks
    return max(
        sum(out.values()) / limits.concurrent,
        max(out.values()) / limits.out_per_host,
        max(into.values()) / limits.in_per_host,
    )


def faults(jobs: Sequence[Job], starts: Sequence[int], limits: LimitsPolicy) -> int:
    """Relations that are not kept, and beginnings at which more run than may."""
    ends = [start + job.ticks for start, job in zip(starts, jobs, strict=True)]
    broken = sum(ends[each] > start for start, job in zip(starts, jobs, strict=True) for each in job.after)
    for start, job in zip(starts, jobs, strict=True):
        running = [each for each, begins, end in zip(jobs, starts, ends, strict=True) if begins <= start < end]
        broken += len(running) > limits.concurrent
        broken += sum(each.migration.source == job.migration.source for each in running) > limits.out_per_host
        broken += sum(each.migration.target == job.migration.target for each in running) > limits.in_per_host
    return broken


def main(arguments: list[str] | None = None) -> int:
    """Measure all; 1 where something is wrong or a target missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.schedule", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=SHARED, help="instances of format xs-neutral/1")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each instance is solved")
    chosen = parser.parse_args(arguments)
    print(f"{'':22} {'moves':>5}  {'at once':7} {'minutes':>8} {'work':>8} {'ratio':>7} {'to all':>7} {'seconds':>7}")
    rows = [row for path in sorted(chosen.folder.glob("*.json*")) for row in _rows(path, chosen.seconds)]
    return int(any(row.missed for row in rows))


def _rows(path: Path, seconds: float) -> Iterator[Row]:
    """The rows of one instance, printed as they come."""
    name = path.name.partition(".")[0]
    problem = problem_of(read_instance(path), seconds=seconds, seed=1)
    migrations = migrations_to(problem, solve(Rulebook(problem, RULES)).placement)
    apart = replace(problem, intent=Intent())
    large = len(problem.initial) >= LARGE
    for row in (
        *(measured(name, migrations, problem) if migrations else ()),
        *(measured(f"{name} random", at_random(apart, MOVES), apart) if large else ()),
    ):
        print(row, flush=True)
        yield row


if __name__ == "__main__":
    sys.exit(main())
