"""Runs between two simulated pools share a stage: both pools, a plan that goes from one to the other, a journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rebalancer.execute import RunOptions, execute, read_journal
from rebalancer.execute.journal.entries import Looked
from rebalancer.execute.journal.outcome import StepState
from rebalancer.inventory import Pool
from rebalancer.plan import Plan
from rebalancer.planner.rebalance import rebalance
from rebalancer.problem import make_problem
from rebalancer.rules import Rulebook
from rebalancer.simulator import Simulator, generate_pool
from rebalancer.xapi import LivePair, Trust, live_pool
from tests.execute.scripted import MADE_AT
from tests.execute.stage import KEYS, TIMEOUTS, StoppedClock
from tests.pools import policy_of

HOME = generate_pool(hosts=2, vms=4, seed=5, fill=0.3, hot=0.0, pinned=0.0, days=1)
ANNEX = generate_pool(hosts=1, vms=2, seed=6, fill=0.2, hot=0.0, pinned=0.0, days=1)
SENT = "Async.VM.migrate_send"


@dataclass(slots=True, kw_only=True)
class Stage:
    """Two simulated pools, a plan that takes two VMs from one to the other, and a place for the journal."""

    home: Simulator
    annex: Simulator
    plan: Plan
    folder: Path
    calls: list[str]

    @property
    def journal(self) -> Path:
        """Of the plan."""
        return self.folder / "journal.jsonl"

    def open(self) -> LivePair:
        """Two fresh logins."""
        return LivePair(*(live_pool(each.url, KEYS, Trust()) for each in (self.home, self.annex)))

    def run(self, way: Callable[..., Any] = execute) -> Any:  # noqa: ANN401 - a result
        """Carry the plan out, or go on with it."""
        with self.open() as live:
            options = RunOptions(
                journal=self.journal, state_dir=self.folder / "state", clock=StoppedClock(), timeouts=TIMEOUTS
            )
            return way(self.plan, live, options)

    def read(self) -> Pool:
        """Both pools."""
        with self.open() as live:
            return live.read()

    def found(self, vm: str) -> list[str]:
        """The power state of a VM in each pool, "" where it is not."""
        return [
            next((row["power_state"] for _, row in each.database.items("VM") if row["uuid"] == vm), "")
            for each in (self.home, self.annex)
        ]

    def looked(self) -> list[StepState]:
        """What the journal says of each look."""
        return [each.state for each in read_journal(self.journal) if isinstance(each, Looked)]


@contextmanager
def staged(folder: Path, calls: list[str]) -> Iterator[Stage]:
    """Two VMs of the first pool have to run in the second; each takes about a tenth of a second."""
    with (
        Simulator(HOME, speed=600.0, login_delay=0.0) as home,
        Simulator(ANNEX, speed=600.0, login_delay=0.0, net=101) as annex,
    ):
        home.introduce(annex)
        yield Stage(home=home, annex=annex, plan=_plan(), folder=folder, calls=calls)


@cache
def _plan() -> Plan:
    """A plan that takes two VMs of the first pool to the hosts of the second, as both are before anything is sent."""
    with (
        Simulator(HOME, login_delay=0.0) as home,
        Simulator(ANNEX, login_delay=0.0, net=101) as annex,
        LivePair(*(live_pool(each.url, KEYS, Trust()) for each in (home, annex))) as live,
    ):
        home.introduce(annex)
        pool = live.read()
    guests = sorted(vm.uuid for vm in pool.resident_guests() if pool.of_vm(vm).uuid == pool.uuid)[:2]
    hosts = [uuid for uuid in pool.hosts if pool.of_host(uuid).uuid != pool.uuid]
    policy = policy_of(
        mode="repair",
        run_on=[{"name": "out", "vms": guests, "hosts": hosts}],
        storage_motion={"enabled": True},
        other_pools={"enabled": True},
        intent={"read_tags": False, "vm_groups": "ignore"},
        execution={"stop_after_failures": 1},
    )
    plan = rebalance(Rulebook.of(make_problem(pool, None, policy)), made_at=MADE_AT)
    assert [bool(step.crossing) for step in plan.steps] == [True, True]
    return plan
