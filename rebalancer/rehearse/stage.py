"""One run of a plan against a simulated pool of its own, in a time of its own."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Final, TypedDict

from rebalancer.errors import RebalancerError
from rebalancer.execute import RunOptions, StepState, execute, read_journal, resume, was_begun
from rebalancer.execute.journal.history import histories
from rebalancer.inventory import Uuid
from rebalancer.plan import Plan, Step
from rebalancer.plan.progress import Way, ways
from rebalancer.policy import ANY_TIME
from rebalancer.rehearse.chance import lengths
from rebalancer.rehearse.clock import RehearsedClock
from rebalancer.rehearse.lines import SimulatedNetwork
from rebalancer.rehearse.take import FinalPlace, RunEnd, Take, WayBack
from rebalancer.simulator import Fault, SimulatedPool, Simulator, VirtualTime
from rebalancer.undo.undo import undo
from rebalancer.xapi import Credentials, LivePool, Patience, Trust, live_pool

KEYS: Final = Credentials(user="root", password="simulator")  # noqa: S106 - the simulated pool's own
AFTER_REVIEW: Final = 300.0
"""Seconds after it was made at which a plan is begun."""
FIRST_PATIENCE: Final = 30.0
"""Seconds for which the commands wait for a pool that is not ready."""
A_WHILE: Final = 1800.0
"""Seconds after which somebody goes on with a run that stopped, and by when whatever was under way has ended."""
TICK: Final = 2.0
"""Seconds after which a migration looks around."""


class _Afterwards(TypedDict, total=False):
    """What stands in a `Take` of a run that was not complete."""

    back: WayBack
    resumed: RunEnd


class RehearsalStage:
    """A pool, a plan and a folder for its journal; made anew for each run."""

    def __init__(self, plan: Plan, pool: SimulatedPool, random: Random, folder: Path) -> None:
        self.plan, self.folder = plan, folder
        self.time = VirtualTime(plan.made_at.timestamp() + AFTER_REVIEW)
        self.simulator = Simulator(
            pool, timing=self.time, lengths=lengths(plan, random), tick=TICK, password=KEYS.password, login_delay=0.0
        )
        self.clock = RehearsedClock(self.time)
        self._wires = SimulatedNetwork(self.simulator, self.time).wires()
        self._ran = self._running()
        world = self.simulator.world
        self._url = f"http://{self.simulator.database.get('host', world.coordinator)['address']}"

    def play(self, number: int, fault: Fault | None) -> Take:
        """What comes of the run when *fault* is to strike, or nothing is."""
        if fault is not None:
            self.simulator.faults.want(fault)
        try:
            first = self._run()
            struck = fault is not None and fault in self.simulator.faults.struck
            troubled = self._troubled()
            return Take(
                number=number,
                fault=fault,
                struck=struck,
                first=first,
                vms={way.vm: self._where(way) for way in ways(self.plan)},
                lost=tuple(sorted(self._ran - self._running())),
                unknown=tuple(step.vm for step, state in troubled if state is StepState.UNKNOWN),
                trouble=troubled[0][0].id if troubled else None,
                **({} if first.complete else self._afterwards()),
            )
        finally:
            self._close()

    def _run(self) -> RunEnd:
        """Carry the plan out, or go on with it."""
        began = self.time.monotonic()
        options = RunOptions(
            journal=self.folder / "journal.jsonl", state_dir=self.folder / "state", windows=ANY_TIME, clock=self.clock
        )
        way = resume if was_begun(options.journal) else execute
        try:
            with self._live() as live:
                result = way(self.plan, live, options)
        except RebalancerError as error:
            return RunEnd(seconds=self.time.monotonic() - began, error=error)
        return RunEnd(seconds=self.time.monotonic() - began, result=result)

    def _live(self) -> LivePool:
        """A login to the coordinator that there was at first, whoever is it now."""
        patience = Patience(seconds=FIRST_PATIENCE, sleep=self.time.sleep)
        return live_pool(self._url, KEYS, Trust(), patience=patience, wires=self._wires)

    def _troubled(self) -> list[tuple[Step, StepState]]:
        """The steps of which the journal does not say that they ended well, with what it says."""
        journal = self.folder / "journal.jsonl"
        found = histories(journal, read_journal(journal))
        states = ((step, found[step.id].state) for step in self.plan.steps if step.id in found)
        return [(step, state) for step, state in states if state is not StepState.MOVED]

    def _where(self, way: Way) -> FinalPlace:
        """Where the VM of *way* is in the records of the pool."""
        database = self.simulator.database
        record = next((each for _, each in database.items("VM") if each["uuid"] == way.vm), None)
        if record is None:
            return FinalPlace.GONE
        if record["power_state"] != "Running":
            return FinalPlace.HALTED
        host = self.simulator.world.uuid("host", record["resident_on"])
        if host == way.steps[-1].target:
            return FinalPlace.ARRIVED
        if host == way.steps[0].source:
            return FinalPlace.NOT_MOVED
        return FinalPlace.ON_THE_WAY if host in {step.target for step in way.steps} else FinalPlace.ELSEWHERE

    def _running(self) -> set[Uuid]:
        guests = (each for _, each in self.simulator.database.items("VM") if not each["is_control_domain"])
        return {each["uuid"] for each in guests if each["power_state"] == "Running"}

    def _afterwards(self) -> _Afterwards:
        """What people could do then, once all works again."""
        self.simulator.faults.clear()
        self.time.sleep(A_WHILE)
        return {"back": self._way_back(), "resumed": self._run()}

    def _way_back(self) -> WayBack:
        try:
            with self._live() as live:
                back = undo(self.plan, live.read(), made_at=self.clock.now())
        except RebalancerError as error:
            return WayBack(error=error)
        strays = sum(self._where(way) in {FinalPlace.HALTED, FinalPlace.GONE} for way in ways(self.plan))
        return WayBack(steps=len(back.steps), stay=max(strays, len(back.missing)))

    def _close(self) -> None:
        """Let everything that is under way end; what broke in the simulated pool itself is raised."""
        self.simulator.world.stopping.set()
        self.time.drain()
        if self.time.failures:
            raise self.time.failures[0]
