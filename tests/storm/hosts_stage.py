"""Where processes work on the hosts of one pool in virtual time: how they come, get in, and go or die."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from rebalancer.cli.exits import exit_code
from rebalancer.errors import RebalancerError
from rebalancer.plan import Plan
from rebalancer.simulator import Simulator
from rebalancer.xapi import Credentials, LivePool, Trust, live_pool
from tests.storm.blows import Strike
from tests.storm.executor import Executor, Killed, VirtualClock, become
from tests.storm.judge import Judge, WatchedTime
from tests.storm.record import Deed, Record, Run

KEYS = Credentials(user="root", password="simulator")


class HostsStage:
    """A pool, the state folder of those who work on its hosts, and who judges what happens."""

    simulator: Simulator
    judge: Judge

    def __init__(self, folder: Path, time: WatchedTime) -> None:
        self.folder, self.time, self.record = folder, time, Record()
        self.said: list[str] = []
        self.executors: list[Executor] = []

    def process(self, name: str, plan: Plan, ended: Callable[[Executor], str], strikes: Sequence[Strike]) -> str:
        """A process from its start to its end, whatever befalls it; its exit code and words, as *ended* has them."""
        run = Run(name=f"{name} {len(self.record.runs) + 1}", plan=plan, state=self.folder, journal=self.folder)
        self.record.runs.append(run)
        executor = Executor(run=run, clock=VirtualClock(self.time), strikes=list(strikes))
        self.executors.append(executor)
        over: list[str] = []
        self.time.start(partial(_process, executor, ended, over))
        while not over:
            self.time.sleep(1.0)
        self.record.events.append(Deed(at=self.time.monotonic(), words=f"{run.name} ends: {over[0]}"))
        return over[0]

    def live(self) -> LivePool:
        """The pool, by its coordinator."""
        world = self.simulator.world
        address = self.simulator.database.get("host", world.coordinator)["address"]
        return live_pool(f"http://{address}", KEYS, Trust())

    def blame(self, words: str) -> None:
        """Note what is wrong."""
        self.judge.blame(words)

    def close(self) -> None:
        """Let everything that is under way end."""
        self.simulator.world.stopping.set()
        self.time.drain()
        for failure in self.time.failures:
            self.blame(f"unforeseen {type(failure).__name__}: {failure}")


def _process(executor: Executor, ended: Callable[[Executor], str], over: list[str]) -> None:
    become(executor)
    end = "unforeseen"
    try:
        end = ended(executor)
        executor.assert_alive()
    except RebalancerError as error:
        end = f"{exit_code(error):d} {type(error).__name__}: {error}" if executor.alive else "killed"
    except Killed:
        end = "killed"
    finally:
        over.append(end)
