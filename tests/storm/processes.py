"""Storms of real processes, which carry plans out over TLS and are killed with SIGKILL.

Slower than storms in virtual time, and closer to the world: sockets, threads, files and the kernel are real.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from threading import Event, Thread
from typing import Any

import pytest

from rebalancer.export import write_plan
from rebalancer.simulator import Simulator
from rebalancer.simulator.calls.dispatch import Dispatcher
from tests.storm.conduct import Conduct
from tests.storm.judge import Judge
from tests.storm.places import Places
from tests.storm.record import Call, Line, Record, Run
from tests.storm.situations import MANY, NETS, Situation, situation
from tests.storm.storm import Outcome
from tests.storm.ways import MOVES

PASSWORD = "simulator"
SPEED = 15.0
ROUNDS = 5
LOOK_SECONDS = 0.02
START = """
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
import rebalancer as rb
from rebalancer.cli.exits import exit_code
from rebalancer.errors import RebalancerError
from rebalancer.export import read_plan
from tests.execute.stage import TIMEOUTS, StoppedClock
from tests.storm.situations import BEGINS

class Fresh(StoppedClock):
    def now(self):
        return BEGINS + timedelta(seconds=self.seconds)

plan, state, journal, url, *rest = sys.argv[1:]
beside, pins = (rest[0], rest[1:]) if rest[0].startswith("https") else (None, rest)
way = rb.Connection(fingerprints=tuple(pins), beside=beside)
try:
    with rb.connect(url, way) as live:
        run = rb.apply(read_plan(Path(plan)), live, journal=journal, state_dir=state, any_time=True,
                       clock=Fresh(), timeouts=replace(TIMEOUTS, quiet=3.0, unreachable=60.0))
except RebalancerError as error:
    print(f"{type(error).__name__}: {error}")
    sys.exit(exit_code(error))
print(run)
"""


class Wall:
    """The time of the machine; somebody looks at the pools again and again."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.look: Callable[[], None] = lambda: None

    def monotonic(self) -> float:
        """Seconds since the storm began."""
        return time.monotonic() - self._began


class Files(Record):
    """A record whose lines stand in the journals themselves."""

    def lines(self, journal: Path) -> Iterator[Line]:
        """The whole lines of a journal."""
        body = journal.read_bytes() if journal.exists() else b""
        run = next(each for each in reversed(self.runs) if each.journal == journal)
        return (Line(at=0.0, run=run, entry=json.loads(line)) for line in body.split(b"\n")[:-1])


class _Stage:
    """Pools that are served, and processes that come and are killed."""

    def __init__(self, place: Situation, simulators: list[Simulator], folder: Path) -> None:
        self.place, self.simulators, self.folder = place, simulators, folder
        self.record, self.calls = Files(), 0
        databases = [each.database for each in simulators]
        self.judge = Judge(databases, Places(databases, place.plan), Wall(), self.record)
        self.conduct = Conduct(self.judge, databases, place.plan)
        write_plan(place.plan, folder / "plan")

    def begin(self) -> subprocess.Popen[str]:
        """A process that carries the plan out, or goes on with it."""
        state = self.folder / "state"
        run = Run(
            name=f"process {len(self.record.runs) + 1}",
            plan=self.place.plan,
            state=state,
            journal=state / "journals" / "plan.jsonl",
        )
        self.record.runs.append(run)
        pins = [str(each.certificate_fingerprint) for each in self.simulators]
        words = [
            str(self.folder / "plan"),
            str(state),
            str(run.journal),
            *(each.url for each in self.simulators),
            *pins,
        ]
        keys = {"REBALANCER_USER": "root", "REBALANCER_PASSWORD": PASSWORD}
        return subprocess.Popen(
            [sys.executable, "-c", START, *words],
            env=os.environ | keys,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def heard(self, simulator: Simulator, method: str, params: list[Any], value: object) -> None:
        """Judge a call that was just taken."""
        if method.removeprefix("Async.") in MOVES:
            call = Call(at=0.0, run=self.record.runs[-1], method=method, params=params, task=str(value), arrived=0.0)
            call.vm = simulator.world.uuid("VM", params[1])
            host = params[2] if isinstance(params[2], str) else params[2]["host"]
            call.target = next(filter(None, (each.world.uuid("host", host) for each in self.simulators)), "")
            self.record.events.append(call)
            self.conduct.at_arrival(call)

    def look(self, over: Event) -> None:
        """Look at the pools until it is over."""
        while not over.wait(LOOK_SECONDS):
            with ExitStack() as locks:
                for each in sorted(self.simulators, key=lambda each: each.world.coordinator):
                    locks.enter_context(each.database.lock)
                self.judge.look()


def process_storm(seed: int, number: int) -> Outcome:
    """Processes that are killed after so many calls, one after the other, and one more that ends the plan."""
    place, chance = situation(seed, number % MANY), Random(f"processes {seed} {number}")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        nets = zip(place.pools, NETS, strict=False)
        made = [Simulator(pool, tls=True, speed=SPEED, login_delay=0.0, net=net) for pool, net in nets]
        simulators = [stack.enter_context(each) for each in made]
        for other in simulators[1:]:
            simulators[0].introduce(other)
        stage = _Stage(place, simulators, folder)
        stage.judge.begin()
        stack.enter_context(_witnessed(stage))
        kills = [chance.randrange(5, 40 + 40 * len(place.plan.steps)) for _ in range(chance.randint(1, 3))]
        ends = [_until(stage, calls) for calls in kills]
        while len(ends) < len(kills) + ROUNDS and not (ends and ends[-1].startswith("0 ")):
            ends.append(_until(stage, None))
    if not ends[-1].startswith("0 "):
        stage.judge.blame(f"dead end: {ends[-1]}")
    return Outcome(
        name=f"{seed}:{number}",
        words=[place.words, f"killed after {kills} calls"],
        found=stage.judge.found,
        last="complete" if ends[-1].startswith("0 ") else "dead end",
        ends=[end.partition(":")[0].partition(";")[0] for end in ends],
        story=[*ends, *stage.record.told()],
        kills=ends.count("killed"),
        moves=len(list(stage.record.calls())),
    )


@contextmanager
def _witnessed(stage: _Stage) -> Iterator[None]:
    """Let the judge look at pools and calls until the block ends."""
    answer, over = Dispatcher.call, Event()

    def call(self: Dispatcher, host_ref: str, method: str, params: list[Any]) -> tuple[str, Any]:
        stage.calls += 1
        if not method.startswith("Async."):
            return answer(self, host_ref, method, params)
        with self._world.database.lock:  # so that the migration has not begun when it is judged
            kind, value = answer(self, host_ref, method, params)
            stage.heard(next(each for each in stage.simulators if each.world is self._world), method, params, value)
        return kind, value

    looks = Thread(target=stage.look, args=(over,), daemon=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Dispatcher, "call", call)
        looks.start()
        try:
            yield
        finally:
            over.set()
            looks.join()


def _until(stage: _Stage, calls: int | None) -> str:
    """How a process ended: killed once the pools have heard so many calls more, or by itself."""
    before = stage.calls
    with stage.begin() as process:
        while process.poll() is None:
            if calls is not None and stage.calls >= before + calls:
                process.kill()
                stage.record.runs[-1].died = 0.0
                return "killed"
            time.sleep(0.001)
        said, _ = process.communicate()
    return f"{process.returncode} {said.strip()}"
