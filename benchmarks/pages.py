"""How large the page of a plan is, and how long it takes to draw, at 8, 56 and 150 steps.

    python -m benchmarks.pages

The plans move VMs at random, each to a host that has room for it, in instances with rules. Prints a table with what the
optional keys add to plan.json, and ends with 1 where a page is larger than a megabyte or takes more than 5 s of CPU.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from benchmarks.generate import generate
from benchmarks.neutral import RULES, PlainMemory, problem_of
from rebalancer.export.manifest import plan_page
from rebalancer.export.planfile import plan_json
from rebalancer.placement import Migration
from rebalancer.plan import Plan
from rebalancer.planner.compose import compose
from rebalancer.rules import Rulebook
from rebalancer.rules.memory.enough_memory import EnoughMemory
from rebalancer.solve import Solution
from rebalancer.solve.result.solution import Outcome

SIZES = (("8x60-c", 8), ("16x250-c", 56), ("64x1500-c", 150))
MADE_AT = datetime(2026, 3, 2, 22, 0, tzinfo=UTC)
MOST_BYTES, MOST_SECONDS = 1_000_000, 5.0
KB = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A plan and its page: bytes of plan.json, what was added to it, bytes of the page, CPU seconds."""

    name: str
    steps: int
    plan_bytes: int
    added_bytes: int
    page_bytes: int
    seconds: float

    @property
    def missed(self) -> bool:
        """Whether the page is too large or too slow."""
        return self.page_bytes > MOST_BYTES or self.seconds > MOST_SECONDS

    def __str__(self) -> str:
        """A line of the table."""
        sizes = f"{self.plan_bytes / KB:9.0f} {self.added_bytes / KB:9.0f} {self.page_bytes / KB:9.0f}"
        return f"{self.name:12} {self.steps:5} {sizes} {self.seconds:8.2f}  {'MISSED' if self.missed else ''}"


def random_plan(name: str, steps: int) -> Plan:
    """A plan of so many *steps* in the instance *name*.

    Raises:
        LookupError: it has no room for them.
    """
    problem = problem_of(generate(name, 1), seconds=1, seed=1)
    own = tuple(rule for rule in RULES if not isinstance(rule, PlainMemory))
    book = Rulebook(problem, (EnoughMemory(), *own))
    migrations = tuple(_at_random(book, steps))
    if len(migrations) < steps:
        raise LookupError(f"{name} has no room for {steps} moves")
    end = problem.initial
    for move in migrations:
        end = end.after(move)
    found = Solution(placement=end, outcome=Outcome.IMPROVED, reason="drawn at random")
    return compose(book, found, migrations, MADE_AT)


def _at_random(book: Rulebook, steps: int) -> Iterator[Migration]:
    """At most so many moves of VMs to hosts that may take them one after another."""
    chance, problem, ledger, left = random.Random(1), book.problem, book.ledger(), steps
    for vm in chance.sample(sorted(problem.initial), len(problem.initial)):
        home = problem.initial[vm]
        roomy = [
            host for host in book.targets(problem.pool.vms[vm]) if host != home and not ledger.objections(vm, host)
        ]
        if roomy and left:
            target = chance.choice(roomy)
            ledger.join(vm, target)
            ledger.settle(vm, home)
            left -= 1
            yield Migration(vm=vm, source=home, target=target, disks=(), hop=False)


def without_keys(plan: Plan) -> Plan:
    """*plan* as versions wrote it that kept neither capacities nor refusals."""
    hosts = tuple(replace(row, cpu_capacity_pcpu=None) for row in plan.hosts)
    return replace(plan, hosts=hosts, steps=tuple(replace(step, refused=None) for step in plan.steps))


def measured(name: str, steps: int) -> Row:
    """The row of one plan."""
    plan = random_plan(name, steps)
    size, without = (len(plan_json(each).encode()) for each in (plan, without_keys(plan)))
    plan_page(plan)
    begun = time.process_time()
    page = plan_page(plan)
    seconds = time.process_time() - begun
    return Row(
        name=name,
        steps=len(plan.steps),
        plan_bytes=size,
        added_bytes=size - without,
        page_bytes=len(page.encode()),
        seconds=seconds,
    )


def main() -> int:
    """Print the table; 1 if a page is too large or too slow."""
    print("instance     steps   plan kB  added kB   page kB  seconds")
    rows = []
    for name, steps in SIZES:
        rows.append(measured(name, steps))
        print(rows[-1], flush=True)
    return int(any(row.missed for row in rows))


if __name__ == "__main__":
    sys.exit(main())
