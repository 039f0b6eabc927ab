"""How a run keeps up with its plan: 150 moves out of 32 simulated hosts into 32 others.

    python -m benchmarks.execute [--moves N] [--hosts N] [--vms N] [--concurrent N] [--storm N] [--real]

Simulated links carry 1.1 GB/s, and each migration takes 2 s besides. The plan is made with the pace that journals of
such a pool teach. No host sends and receives, because simulated links are shared by both ways, and plans count on full
duplex. In virtual time, which no other work on the machine disturbs, each call takes 5 ms, and the run's own CPU counts
as it passes. With `--real` the pool is served over HTTP by a process of its own, and the run goes on for minutes. With
`--storm` so many disks change a second meanwhile.

Prints a table and ends with 1 when the run takes more than 1.03 times what the plan predicts, when an end is noticed
later than 200 ms after it (median), or when a launch takes more than 20 ms of the run's own CPU (median).
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.execute_stages import FIXED_SECONDS, SEED, SLOWDOWN, Stage, real, virtual
from rebalancer.execute import Looked, RunOptions, RunReporter, execute
from rebalancer.inventory import Pool
from rebalancer.order.order import Order, find_order
from rebalancer.placement import Placement
from rebalancer.plan import Pace, Plan, Step
from rebalancer.planner.compose import compose
from rebalancer.policy import Policy
from rebalancer.problem import make_problem
from rebalancer.rules import Rulebook
from rebalancer.solve import Solution

MOST_RATIO, MOST_LATENCY, MOST_OWN = 1.03, 0.200, 0.020
PACE: Final = Pace(fixed_seconds=FIXED_SECONDS, factor=SLOWDOWN, low=1.0, high=1.0, steps=100)


def planned(pool: Pool, moves: int, concurrent: int, made_at: datetime) -> Plan:
    """A plan of so many random moves out of one half of the hosts into the other.

    Raises:
        LookupError: there is no room, or no order for them.
    """
    limits = {"concurrent": concurrent, "out_per_host": 1, "in_per_host": 1}
    policy = Policy.model_validate({"limits": limits, "intent": {"read_tags": False, "vm_groups": "ignore"}})
    book = Rulebook.of(make_problem(pool, None, policy))
    chance, goal = random.Random(SEED), dict(book.problem.initial.host_of)
    targets = frozenset(sorted(pool.hosts)[::2])
    for vm in chance.sample(sorted(goal), len(goal)):
        there = sorted(targets & book.targets(pool.vms[vm]).keys())
        if moves and there and goal[vm] not in targets:
            goal[vm] = chance.choice(there)
            moves -= 1
    order = find_order(book, Placement(goal), seed=SEED)
    if moves or not isinstance(order, Order):
        raise LookupError("the pool has no room for so many moves")
    end = Solution(placement=Placement(goal), outcome="improved", reason="at random")
    return compose(book, end, order.migrations, made_at, pace=PACE)


@dataclass(slots=True)
class Costs(RunReporter):
    """What a run takes: when its first step begins, its own CPU seconds by then, and those of each launch."""

    stage: Stage
    first: tuple[float, float] | None = None
    launching: dict[str, float] = field(default_factory=dict)
    _at: float = 0.0
    _step: str = ""

    def step_began(self, step: Step) -> None:
        """Its launch begins; the one before is over."""
        self.settle()
        self.first = self.first or (self.stage.clock.monotonic(), self.stage.own_seconds())
        self._at, self._step = self.stage.own_seconds(), step.id

    def step_ended(self, step: Step, looked: Looked) -> None:  # noqa: ARG002 - the interface's
        """Whatever was launched before is."""
        self.settle()

    def settle(self) -> None:
        """Note what the last launch took, once its call has left."""
        if self._step and self.stage.live.launched_at > self._at:
            self.launching[self._step] = self.stage.live.launched_at - self._at
            self._step = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A figure, and what it may be at most."""

    name: str
    value: float
    unit: str = ""
    most: float | None = None

    @property
    def missed(self) -> bool:
        """Whether it is more."""
        return self.most is not None and self.value > self.most

    def __str__(self) -> str:
        at_most = f"  at most {self.most:g}{'  MISSED' if self.missed else ''}" if self.most is not None else ""
        return f"{self.name:42} {self.value:9.3f} {self.unit:2}{at_most}"


def measured(stage: Stage, moves: int, concurrent: int) -> Sequence[Row]:
    """The figures of one run on *stage*."""
    clock, live, costs = stage.clock, stage.live, Costs(stage)
    plan = planned(live.read(), moves, concurrent, clock.now().astimezone(UTC))
    began = time.monotonic()
    with TemporaryDirectory() as folder:
        options = RunOptions(
            journal=Path(folder) / "journal.jsonl", state_dir=Path(folder), reporter=costs, clock=clock
        )
        result = execute(plan, live, options)
    over, own = clock.monotonic(), stage.own_seconds()
    if not result.complete or costs.first is None:
        raise SystemExit(f"the run did not complete: {result}")
    costs.settle()
    first_at, first_own = costs.first
    ends = stage.ends()
    late = [seen - ends[ref] for ref, seen in live.seen.items()]
    launches, took = list(costs.launching.values()), over - first_at
    return (
        Row(name="moves", value=len(plan.steps)),
        Row(name="predicted", value=plan.schedule.seconds, unit="s"),
        Row(name="first launch to end of run", value=took, unit="s"),
        Row(name="ratio to what was predicted", value=took / plan.schedule.seconds, most=MOST_RATIO),
        Row(name="end noticed after, median", value=median(late), unit="s", most=MOST_LATENCY),
        Row(name="end noticed after, worst", value=max(late), unit="s"),
        Row(name="own CPU of a launch, median", value=median(launches), unit="s", most=MOST_OWN),
        Row(name="own CPU of a launch, mean", value=mean(launches), unit="s"),
        Row(name="own CPU of a launch, worst", value=max(launches), unit="s"),
        Row(name="own CPU a step, watching included", value=(own - first_own) / len(plan.steps), unit="s"),
        Row(name="the benchmark itself", value=time.monotonic() - began, unit="s"),
    )


def main(arguments: list[str] | None = None) -> int:
    """Measure, print; 1 where something was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.execute", description=__doc__)
    parser.add_argument("--hosts", type=int, default=64)
    parser.add_argument("--vms", type=int, default=1500)
    parser.add_argument("--moves", type=int, default=150)
    parser.add_argument("--concurrent", type=int, default=8)
    parser.add_argument("--storm", type=int, default=0, help="changes of other objects a second")
    parser.add_argument("--real", action="store_true", help="over HTTP, in the time of the machine")
    chosen = parser.parse_args(arguments)
    with (real if chosen.real else virtual)(chosen.hosts, chosen.vms, chosen.storm) as stage:
        rows = measured(stage, chosen.moves, chosen.concurrent)
    for row in rows:
        print(row)
    return int(any(row.missed for row in rows))


if __name__ == "__main__":
    sys.exit(main())
