"""The command line as processes of their own, and a pool that holds their calls until a test has done its worst."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rebalancer.execute import Looked, read_journal
from rebalancer.export import write_plan
from rebalancer.plan import Plan
from rebalancer.simulator import Simulator
from rebalancer.simulator.calls.dispatch import Dispatcher
from tests.cli.terminal import PASSWORD, ROOT, USER

PATIENCE = 120.0
"""Seconds of a busy machine."""
MIGRATE = "Async.VM.pool_migrate"
START = """
import signal, sys, time
from pathlib import Path
import rebalancer.execute.options as options
from rebalancer.__main__ import start

skipped = [0.0]
def sleep(self, seconds):
    time.sleep(seconds / 50)
    skipped[0] += seconds - seconds / 50
options.Clock.sleep = sleep
options.Clock.monotonic = lambda self: time.monotonic() + skipped[0]
def pause():
    Path("paused").touch()
    signal.pause()
sys.argv = ["rebalancer", *sys.argv[1:]]
"""
"""A process that waits a fiftieth of what it means to wait; a test adds what is to happen in it, and `start()`."""


@dataclass(slots=True)
class Gate:
    """Holds the calls of *method* that come after the first *skip*, until it is opened."""

    method: str
    skip: int = 0
    reached: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)

    def pass_through(self, method: str) -> None:
        """Wait here, if *method* is what is held."""
        if method == self.method and not self.opened.is_set():
            if self.skip:
                self.skip -= 1
            else:
                self.reached.set()
                self.opened.wait(PATIENCE)


@dataclass(slots=True, kw_only=True)
class Ground:
    """A pool to be changed, a plan for it, a folder to work in, and whatever holds calls."""

    simulator: Simulator
    plan: Plan
    folder: Path
    gates: list[Gate]
    calls: list[str]

    @property
    def journal(self) -> Path:
        """Of the plan."""
        return self.folder / "journal.jsonl"

    @property
    def apply(self) -> list[object]:
        """What carries the plan out."""
        write_plan(self.plan, self.folder / "tonight")
        return ["apply", "tonight", self.simulator.url, "--journal", self.journal, "--any-time"]

    def hold(self, method: str, *, skip: int = 0) -> Gate:
        """Hold calls of *method* from now on."""
        self.gates.append(Gate(method, skip))
        return self.gates[-1]

    @contextmanager
    def running(
        self,
        *words: object,
        first: str = "",
        through: Sequence[str] = (),
        **options: Any,  # noqa: ANN401 - of Popen
    ) -> Iterator[subprocess.Popen[str]]:
        """`rebalancer *words*` as a process in which *first* happens first, started *through* another program."""
        here = {"REBALANCER_USER": USER, "REBALANCER_PASSWORD": PASSWORD, "PYTHONPATH": str(ROOT)}
        places = {"XDG_STATE_HOME": str(self.folder / "state"), "HOME": str(self.folder), "COLUMNS": "200"}
        given: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": self.folder}
        command = [*through, sys.executable, "-c", f"{START}\n{first}\nstart()", *map(str, words)]
        with subprocess.Popen(command, env=os.environ | here | places, text=True, **(given | options)) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()
                    for gate in self.gates:
                        gate.opened.set()

    def wait_for(self, process: subprocess.Popen[str], condition: Callable[[], bool]) -> None:
        """Until *condition* holds, while *process* lives."""
        until = time.monotonic() + PATIENCE
        while not condition():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until
            time.sleep(0.01)

    def events(self) -> list[str]:
        """The events of the journal, in their order."""
        if not self.journal.exists():
            return []
        return [json.loads(line)["event"] for line in self.journal.read_text(encoding="utf-8").splitlines()]

    def looked(self) -> list[str]:
        """What the pool showed for each step."""
        return [str(each.state) for each in read_journal(self.journal) if isinstance(each, Looked)]

    @property
    def sent(self) -> int:
        """How many migrations were asked for."""
        return self.calls.count(MIGRATE)


def hear(ground: Ground, call: Callable[..., Any]) -> Callable[..., Any]:
    """*call* of the dispatcher, noted by *ground* and held by its gates."""

    def answer(self: Dispatcher, host_ref: str, method: str, params: list[Any]) -> Any:  # noqa: ANN401 - whatever
        ground.calls.append(method)
        for gate in tuple(ground.gates):
            gate.pass_through(method)
        return call(self, host_ref, method, params)

    return answer


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """How *process* ended: code, standard output, standard error."""
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out or "", err or ""


def send(process: subprocess.Popen[str], *numbers: signal.Signals) -> None:
    """Send signals to *process*."""
    for number in numbers:
        process.send_signal(number)


def hear_out(process: subprocess.Popen[str], words: str) -> None:
    """Read standard error up to the line that has *words*."""
    assert process.stderr
    while words not in (line := process.stderr.readline()):
        assert line, words
