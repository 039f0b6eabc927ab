"""Where a storm takes place: pools in virtual time, and processes that come, carry out plans, and go or die."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from rebalancer.cli.exits import Exit, exit_code
from rebalancer.errors import RebalancerError
from rebalancer.execute import Ending, RunOptions, Saying, Seen, resolve_step
from rebalancer.face.run import apply
from rebalancer.plan import Plan
from rebalancer.plan.progress import ways
from rebalancer.simulator import Simulator
from rebalancer.undo.undo import undo
from rebalancer.xapi import Credentials, LivePair, LivePool, Trust, live_pool
from tests.storm.conduct import Conduct
from tests.storm.executor import Executor, Killed, VirtualClock, become
from tests.storm.judge import Judge, WatchedTime
from tests.storm.outsiders import Outsider
from tests.storm.places import Places
from tests.storm.record import Deed, Record, Run
from tests.storm.situations import BEGINS, NETS, Situation
from tests.storm.ways import Ways
from tests.storm.weather import Blow

KEYS = Credentials(user="root", password="simulator")


class Stage:
    """The pools of a situation, and everything that is known of what happens in them."""

    def __init__(self, place: Situation, chance: Random, folder: Path) -> None:
        self.plan, self.folder = place.plan, folder
        self.time = WatchedTime(BEGINS.timestamp())
        nets = zip(place.pools, NETS, strict=False)
        self.simulators = [Simulator(pool, timing=self.time, login_delay=0.0, net=net) for pool, net in nets]
        for other in self.simulators[1:]:
            self.simulators[0].introduce(other)
        self.record = Record()
        databases = [each.database for each in self.simulators]
        self.judge = Judge(databases, Places(databases, place.plan), self.time, self.record)
        self.conduct = Conduct(self.judge, databases, place.plan)
        self.ways = Ways(self.simulators, self.time, chance, self.record, self.conduct)
        self.others = [Outsider(each, self.time, self.record, self.judge) for each in self.simulators]

    def carry_out(self, name: str, plan: Plan, blows: Sequence[Blow] = (), **options: Any) -> Run:  # noqa: ANN401 - of `apply`
        """A run of *plan* in a process of its own, from its start to its end."""
        run = self.new_run(name, plan, self.folder / "state")
        self.wait_for(partial(self.process, run, blows, **options))
        return run

    def new_run(self, name: str, plan: Plan, state: Path) -> Run:
        """A run that has not begun, with state folder *state*."""
        run = Run(name=name, plan=plan, state=state, journal=state / "journals" / f"{plan.digest[-16:]}.jsonl")
        self.record.runs.append(run)
        return run

    def process(self, run: Run, blows: Sequence[Blow], **options: Any) -> None:  # noqa: ANN401 - of `apply`
        """What a process does from its start to its end, whatever befalls it."""
        strikes = [(each.point, each.strike) for each in blows]
        executor = Executor(run=run, clock=VirtualClock(self.time), strikes=strikes)
        become(executor)
        self.note(f"{run.name} begins")
        try:
            run.end = self._ended(executor, **options)
        except Killed:
            run.end = "killed"
        finally:
            run.end = run.end or "unforeseen"
        self.note(f"{run.name} ends: {run.end}")

    def _ended(self, executor: Executor, **options: Any) -> str:  # noqa: ANN401 - of `apply`
        """How a run ended: its exit code, and in which words."""
        run = executor.run
        try:
            with self._live() as live:
                result = apply(
                    run.plan,
                    live,
                    journal=run.journal,
                    state_dir=run.state,
                    clock=executor.clock,
                    stop=executor.stop,
                    **options,
                )
        except RebalancerError as error:
            executor.assert_alive()
            code = exit_code(error)
            self.conduct.at_error(run, code)
            return f"{code:d} {type(error).__name__}: {error}"
        executor.assert_alive()
        if result.complete:
            self.conduct.at_completion(run, [way.steps[-1] for way in ways(run.plan)])
        code = Exit.DONE if result.ending in {Ending.COMPLETE, Ending.DEADLINE} else Exit.LATER
        return f"{code:d} {result.ending.name}: {result}"

    def way_back(self) -> Plan | None:
        """The way back from what the pool shows, as `rollback` plans it; None where there is none."""
        made: list[Plan] = []
        self.judge.wishes = False

        def plan() -> None:
            run = Run(name="rollback", plan=self.plan, state=self.folder, journal=self.folder)
            clock = VirtualClock(self.time)
            become(Executor(run=run, clock=clock))
            try:
                with self._live() as live:
                    made.append(undo(self.plan, live.read(), made_at=clock.now()))
            except RebalancerError as error:
                self.note(f"rollback ends: {exit_code(error):d} {error}")

        self.wait_for(plan)
        return made[0] if made and made[0].steps else None

    def resolve(self, run: Run, step: str, seen: Seen) -> None:
        """Say what became of a step, as `rebalancer resolve` takes it."""

        def say() -> None:
            executor = Executor(run=run, clock=VirtualClock(self.time))
            become(executor)
            said = Saying(step=step, seen=seen, by="a person", reason="looked at the pool")
            options = RunOptions(journal=run.journal, state_dir=run.state, clock=executor.clock)
            try:
                with self._live() as live:
                    resolve_step(run.plan, said, options, live)
            except RebalancerError as error:
                self.note(f"resolve {step} {seen} ends: {exit_code(error):d} {error}")

        self.wait_for(say)

    def wait_for(self, *works: Callable[[], None]) -> None:
        """Let *works* be done at once, each in a thread of its own, until all are over."""
        over: list[bool] = []

        def do(work: Callable[[], None]) -> None:
            try:
                work()
            finally:
                over.append(True)

        for work in works:
            self.time.start(partial(do, work))
        while len(over) < len(works):
            self.time.sleep(1.0)

    def _live(self) -> LivePool | LivePair:
        """A login to each of the pools."""
        with ExitStack() as stack:
            lives = [stack.enter_context(live_pool(_url(each), KEYS, Trust())) for each in self.simulators]
            stack.pop_all()
        return lives[0] if len(lives) == 1 else LivePair(*lives)

    def note(self, words: str) -> None:
        """Let *words* stand in the record."""
        self.record.events.append(Deed(at=self.time.monotonic(), words=words))

    def calm(self) -> None:
        """End the weather: nothing more goes wrong, and others have put right what they did, and gone home."""
        for each in self.simulators:
            each.faults.clear()
        for other in self.others:
            other.everything_again()
        self.note("the weather is over")

    def close(self) -> None:
        """Let everything that is under way end, and note what failed in the simulator itself."""
        for each in self.simulators:
            each.world.stopping.set()
        self.time.drain()
        for failure in self.time.failures:
            self.judge.blame(f"unforeseen {type(failure).__name__}: {failure}")


def _url(simulator: Simulator) -> str:
    """The URL of the coordinator."""
    return f"http://{simulator.database.get('host', simulator.world.coordinator)['address']}"
