"""A fortnight of `rebalancer nightly FLEET --execute` on two pools, with what befalls one of them."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import rebalancer as rb
from rebalancer.cli.main import main
from rebalancer.execute import Clock, StepState, Timeouts, read_journal
from rebalancer.execute.journal.history import histories
from tests.conftest import ROOT
from tests.nightly.fortnight.pools import DAY, FIRST, Lived

NIGHTS = 14
EARLY, KILLED, BLIND, DOWN, CHANGED = 1, 2, 5, 7, 9
"""The nights, from 0 on, on which the window closes early, the night is killed, there are no metrics, the pool is down;
and from which on the policy is another one."""
KEYS = {"REBALANCER_USER": "root", "REBALANCER_PASSWORD": "simulator"}
PATIENCE = {"poll": 0.02, "held": 0.1, "unreachable": 5.0, "quiet": 0.4, "retry": 0.2}
POLICY = """\
timezone = "UTC"

[pool]
url = "{url}"

[limits]
maximum_moves = {moves}
solve_seconds = 3
cool_down_hours = 72

[objective]
threshold = {threshold}
pcpu_hours_per_last_resort = 100000

[[window]]
start = "22:00"
end = "{end}"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A night that is over.

    Args:
        number: from 0 on.
        began: by the clock of the pools.
        code: exit code; negative for the signal that killed it.
        pools: what `--json` says of each, by the name of the policy; nothing of a night that was killed.
        metrics: the file of each for monitoring, as the night left it.
        told: its log.
    """

    number: int
    began: datetime
    code: int
    pools: Mapping[str, Mapping[str, Any]]
    metrics: Mapping[str, str]
    told: str


@dataclass(slots=True, kw_only=True)
class Fortnight:
    """Two pools and the machine that looks after them."""

    east: Lived
    west: Lived
    folder: Path
    stubborn: str = ""
    ended: list[Ended] = field(default_factory=list)

    @property
    def pools(self) -> tuple[Lived, Lived]:
        """Both."""
        return self.east, self.west

    @property
    def past(self) -> Any:  # noqa: ANN401 - the face's, which says no name of its type
        """The history."""
        return rb.history(state_dir=self.folder / "state")

    def unheard(self) -> int:
        """Calls for the stubborn VM of which the run that sent them died before it heard that XAPI had taken them."""
        journals = (self.folder / "state" / "journals").glob("*.jsonl")
        steps = (each for path in journals for each in histories(path, read_journal(path)).values())
        calls = (each.intended for each in steps if each.state is StepState.INTENDED)
        return sum(call is not None and call.vm == self.stubborn for call in calls)

    def span(self, number: int) -> tuple[datetime, datetime]:
        """From the beginning of a night to that of the next."""
        return FIRST + number * DAY, FIRST + (number + 1) * DAY

    def write_policies(self, number: int) -> None:
        """As they are on that night."""
        changed = number >= CHANGED
        moves, threshold = (24, 0.65) if changed else (8, 0.75)
        for pool in self.pools:
            end = "22:58" if number == EARLY and pool is self.east else "05:00"
            mine = (moves, threshold) if pool is self.east else (8, 0.75)
            text = POLICY.format(url=pool.simulator.url, moves=mine[0], threshold=mine[1], end=end)
            (self.folder / f"{pool.name}.toml").write_text(text)
        (self.folder / "fleet.toml").write_text('name = "both"\npolicies = ["east.toml", "west.toml"]\n')

    def words(self) -> list[str]:
        """What cron types."""
        state, metrics = self.folder / "state", self.folder / "metrics" / "r.prom"
        options = ("--execute", "--pool-clock", "--json", "--metrics-file", metrics, "--state-dir", state)
        return ["nightly", str(self.folder / "fleet.toml"), *map(str, options)]

    def metrics(self) -> dict[str, str]:
        """The files for monitoring."""
        files = {pool.name: self.folder / "metrics" / f"r-{pool.name}.prom" for pool in self.pools}
        return {name: file.read_text() for name, file in files.items() if file.exists()}


def live(fortnight: Fortnight) -> None:
    """Fourteen nights, one after the other."""
    (fortnight.folder / "metrics").mkdir()
    fortnight.write_policies(0)
    fortnight.stubborn = _first_mover(fortnight)
    fortnight.east.simulator.faults.add("move-fails", vm=fortnight.stubborn, at=0.2, times=-1)
    for number in range(NIGHTS):
        for pool in fortnight.pools:
            pool.wait_until(FIRST + number * DAY)
        fortnight.write_policies(number)
        with _befalls(fortnight, number):
            run = _killed if number == KILLED else _typed
            fortnight.ended.append(run(fortnight, number))


def _first_mover(fortnight: Fortnight) -> str:
    """The VM that the first plan for the east moves first."""
    policy, state = fortnight.folder / "east.toml", fortnight.folder / "elsewhere"
    _, out, told = typed("nightly", str(policy), "--pool-clock", "--json", "--state-dir", str(state))
    assert out, told
    return str(rb.load(json.loads(out)["folder"]).steps[0].vm)


def typed(*words: str) -> tuple[int, str, str]:
    """`rebalancer *words*` in this process: exit code, output, log."""
    out, log = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(log):
        patch.setattr(sys, "argv", ["rebalancer", *words])
        with pytest.raises(SystemExit) as ended:
            main()
    return int(ended.value.code or 0), out.getvalue(), log.getvalue()


def _typed(fortnight: Fortnight, number: int) -> Ended:
    code, out, log = typed(*fortnight.words())
    assert out, log
    pools = {each["policy"].removesuffix(".toml"): each for each in json.loads(out)["pools"]}
    return Ended(
        number=number,
        began=fortnight.span(number)[0],
        code=code,
        pools=pools,
        metrics=fortnight.metrics(),
        told=log,
    )


def _killed(fortnight: Fortnight, number: int) -> Ended:
    """Killed once two VMs of the east have arrived and a third is under way, which the pool then carries through."""
    east, begun = fortnight.east, fortnight.span(number)
    east.simulator.faults.add("stalls", skip=2, at=0.5, seconds=10)
    process = subprocess.Popen(
        [sys.executable, "-m", "rebalancer", *fortnight.words()],
        env=os.environ | KEYS | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    _when(lambda: len(east.arrivals(*begun)) > 1 and east.moving(), lambda: process.poll() is None)
    process.kill()
    _, told = process.communicate()
    _when(lambda: not any(pool.moving() for pool in fortnight.pools), lambda: True)
    return Ended(
        number=number,
        began=begun[0],
        code=process.returncode,
        pools={},
        metrics=fortnight.metrics(),
        told=told,
    )


@contextmanager
def _befalls(fortnight: Fortnight, number: int) -> Iterator[None]:
    """What befalls the east on that night, and is mended afterwards."""
    east, (began, over) = fortnight.east, fortnight.span(number)
    faults = {BLIND: "rrd-error", DOWN: "network-away"}
    if number in faults:
        east.simulator.faults.add(faults[number], times=-1)
        yield
        east.simulator.faults.clear()
        east.simulator.faults.add("move-fails", vm=fortnight.stubborn, at=0.2, times=-1)
    elif number == EARLY:
        east.wait_until(began + timedelta(minutes=20))
        hurried = threading.Event()

        def hurry() -> None:
            _when(lambda: len(east.arrivals(began, over)) > 1, lambda: not hurried.is_set())
            east.wait_until(began + timedelta(minutes=28, seconds=10))

        thread = threading.Thread(target=hurry, daemon=True)
        thread.start()
        yield
        hurried.set()
        thread.join()
    else:
        yield


def _when(happened: Callable[[], bool], may_yet: Callable[[], bool]) -> None:
    while not happened() and may_yet():
        time.sleep(0.02)


@contextmanager
def machine(fortnight: Fortnight) -> Iterator[None]:
    """One that goes by the clocks of the pools as they run, and loses no time with waiting."""

    class PoolsTime(Clock):
        def __init__(self, url: str, _connection: rb.Connection) -> None:
            (self._pool,) = [each for each in fortnight.pools if each.simulator.url == url]
            self.ahead = self.now() - datetime.now(UTC)

        def now(self) -> datetime:
            return datetime.fromtimestamp(self._pool.simulator.clock(), UTC)

    defaults = Timeouts.__init__.__kwdefaults__
    assert defaults is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rebalancer.cli.nights.night.PoolTime", PoolsTime)
        patch.setattr("rebalancer.xapi.patience.time", SimpleNamespace(sleep=lambda _: None))
        for name, seconds in PATIENCE.items():
            patch.setitem(defaults, name, seconds)
        for name, value in KEYS.items():
            patch.setenv(name, value)
        yield
