"""Several migrations at once against the simulator: it accepts what runs side by side, and a kill loses nothing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rebalancer.execute import RunReporter, execute, resume
from rebalancer.execute.journal.entries import Looked
from rebalancer.execute.journal.outcome import StepState
from rebalancer.inventory import Pool
from rebalancer.order.order import Order, find_order
from rebalancer.placement import Placement
from rebalancer.plan import Plan, Step
from rebalancer.planner.compose import compose
from rebalancer.problem import make_problem
from rebalancer.rules import Legality, Rulebook, rules_for
from rebalancer.simulator import Simulator, generate_pool
from rebalancer.solve import Solution
from rebalancer.verify.verify import verify_plan
from rebalancer.xapi import Trust, live_pool
from tests.execute.scripted import MADE_AT
from tests.execute.stage import KEYS, Stage, arguments
from tests.pools import policy_of

LIMITS = {"concurrent": 4, "in_per_host": 2, "out_per_host": 2}
MOVES = 8


def random_plan(pool: Pool, chance: random.Random) -> Plan:
    """Eight VMs go to random hosts that take them, in whatever order is legal."""
    problem = make_problem(pool, None, policy_of(limits=LIMITS, intent={"read_tags": False}))
    rules = rules_for(problem)
    legality = Legality(problem, rules)
    movable = [(vm.uuid, legality.targets(vm)) for vm in sorted(pool.resident_guests(), key=lambda vm: vm.uuid)]
    while True:
        chosen = chance.sample([each for each in movable if each[1]], MOVES)
        goal = Placement({**problem.initial.host_of, **{vm: chance.choice(targets) for vm, targets in chosen}})
        order = find_order(Rulebook(problem, rules), goal, seed=1)
        if isinstance(order, Order):
            end = Solution(placement=goal, outcome="optimal", reason="for a test")
            plan = compose(Rulebook(problem, rules), end, order.migrations, MADE_AT)
            if not verify_plan(plan, pool, now=MADE_AT):
                return plan


class Crowd(RunReporter):
    """Counts what runs at once."""

    def __init__(self) -> None:
        self.flying, self.most = set[str](), 0

    def step_progress(self, step: Step, progress: float) -> None:  # noqa: ARG002 - the interface's
        """One that runs."""
        self.flying.add(step.id)
        self.most = max(self.most, len(self.flying))

    def step_ended(self, step: Step, looked: Looked) -> None:  # noqa: ARG002 - the interface's
        """One that ran."""
        self.flying.discard(step.id)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_simulator_accepts_what_runs_side_by_side(tmp_path: Path, calls: list[str], seed: int) -> None:
    """Plans with random moves in half-full pools: every call is accepted, every VM arrives, several run at once."""
    records = generate_pool(hosts=6, vms=36, seed=seed, fill=0.5, hot=0.0, pinned=0.0, days=1)
    with (
        Simulator(records, speed=40.0, login_delay=0.0) as simulator,
        live_pool(simulator.url, KEYS, Trust()) as live,
    ):
        plan = random_plan(live.read(), random.Random(seed))
        stage = Stage(simulator=simulator, live=live, plan=plan, folder=tmp_path, calls=calls)
        crowd = Crowd()
        result = stage.run(execute, reporter=crowd)
        assert result.complete
        assert result.differences == ()
        assert stage.arrived() == [True] * len(plan.steps)
        assert stage.migrations == len(plan.steps)
        assert crowd.most > 1
        assert set(stage.looked()) == {StepState.MOVED}


START = """
import sys
from pathlib import Path
from rebalancer.execute import RunOptions, execute
from rebalancer.export import read_plan
from rebalancer.xapi import Credentials, Trust, live_pool
from tests.execute.stage import TIMEOUTS, StoppedClock

plan, url, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
with live_pool(url, Credentials(user="root", password="simulator"), Trust()) as live:
    execute(read_plan(Path(plan)), live, RunOptions(journal=folder / "journal.jsonl", state_dir=folder / "state",
            clock=StoppedClock(), timeouts=TIMEOUTS))
"""


def test_kill_9_with_several_on_their_way_then_resume(tmp_path: Path, calls: list[str]) -> None:
    """Migrations go on without their runner; resume finds all of them, sends nothing twice, and finishes the plan."""
    records = generate_pool(hosts=6, vms=36, seed=1, fill=0.5, hot=0.0, pinned=0.0, days=1)
    with (
        Simulator(records, speed=0.01, login_delay=0.0) as simulator,
        live_pool(simulator.url, KEYS, Trust()) as live,
    ):
        plan = random_plan(live.read(), random.Random(1))
        stage = Stage(simulator=simulator, live=live, plan=plan, folder=tmp_path, calls=calls)
        with subprocess.Popen([sys.executable, "-c", START, *arguments(stage)]) as process:
            until = time.monotonic() + 120
            while not stage.journal.exists() or stage.journal.read_bytes().count(b'"sent"') < 2:
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.01)
            os.kill(process.pid, signal.SIGKILL)
        assert stage.looked() == []
        simulator.world.speed = 20.0
        assert stage.run(resume).complete
        assert stage.arrived() == [True] * len(plan.steps)
        assert stage.migrations == len(plan.steps)
        assert stage.looked() == [StepState.MOVED] * len(plan.steps)
