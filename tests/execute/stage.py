"""Runs against the simulator share a stage: a pool that is served, a plan, a live connection and a journal."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rebalancer.execute import RunOptions, Timeouts, execute, read_journal
from rebalancer.execute.journal.entries import Looked
from rebalancer.execute.journal.outcome import StepState
from rebalancer.execute.options import Answer
from rebalancer.export import write_plan
from rebalancer.inventory import Pool
from rebalancer.plan import Plan
from rebalancer.policy import Policy
from rebalancer.problem import make_problem
from rebalancer.rules import Legality, rules_for
from rebalancer.simulator import Simulator, generate_pool
from rebalancer.xapi import Credentials, LivePool
from tests.execute.scripted import HandClock

POOL = generate_pool(hosts=4, vms=14, seed=3, fill=0.4, hot=0.0, pinned=0.0, days=1)
KEYS = Credentials(user="root", password="simulator")
TIMEOUTS = Timeouts(poll=0.02, held=0.1, unreachable=10, quiet=0.4, retry=0.2, step=30, cancel=5)
STEPS = 3


class StoppedClock(HandClock):
    """Real waiting at the hour in which plans are fresh; a busy machine uses up no patience."""

    def sleep(self, seconds: float) -> None:
        """Really wait: the only time that counts."""
        super().sleep(seconds)
        time.sleep(seconds)

    def during(self, blocked: Callable[[], Answer]) -> Answer:
        """Time passes while the pool is waited for."""
        began = time.monotonic()
        answer = blocked()
        super().sleep(time.monotonic() - began)
        return answer


@dataclass(slots=True, kw_only=True)
class Stage:
    """A simulated pool, a live connection to it, a plan for it, and a place for journals."""

    simulator: Simulator
    live: LivePool
    plan: Plan
    folder: Path
    calls: list[str]

    @property
    def journal(self) -> Path:
        """Of the plan."""
        return self.folder / "journal.jsonl"

    @property
    def migrations(self) -> int:
        """How many migrations the simulator was ever asked for."""
        return self.calls.count("Async.VM.pool_migrate") + self.calls.count("VM.pool_migrate")

    def run(self, way: Callable[..., Any] = execute, **options: Any) -> Any:  # noqa: ANN401 - a result
        """Carry the plan out, or go on with it."""
        defaults = {"journal": self.journal, "state_dir": self.folder / "state", "clock": StoppedClock()}
        return way(self.plan, self.live, RunOptions(**{"timeouts": TIMEOUTS, **defaults, **options}))

    def arrived(self) -> list[bool]:
        """For each step whether its VM is on its target."""
        vms = self.live.read().vms
        return [vms[step.vm].resident_on == step.target for step in self.plan.steps]

    def looked(self) -> list[StepState]:
        """What the journal says of each look."""
        return [each.state for each in read_journal(self.journal) if isinstance(each, Looked)]


def some_moves(pool: Pool) -> list[tuple[str, str]]:
    """Moves of the smallest VMs that may move, to different hosts."""
    problem = make_problem(pool, None, Policy())
    legality = Legality(problem, rules_for(problem))
    guests = sorted(pool.resident_guests(), key=lambda vm: (vm.migration_memory_bytes, vm.uuid))
    movable = [(vm.uuid, legality.targets(vm)) for vm in guests if legality.targets(vm)]
    return [(vm, targets[number % len(targets)]) for number, (vm, targets) in enumerate(movable[:STEPS])]


def arguments(stage: Stage) -> list[str]:
    """What START is started with."""
    write_plan(stage.plan, stage.folder / "plan")
    return [str(stage.folder / "plan"), stage.simulator.url, str(stage.folder)]
