"""The nights of several pools: read side by side, planned by workers, carried out in turn or side by side.

Each pool has a thread of its own, in which its whole night happens; whatever ends it ends no other.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import rebalancer as rb
from rebalancer.cli.carrying import tell_stop
from rebalancer.cli.ending import settle, tell
from rebalancer.cli.exits import Exit, exit_code, exit_of
from rebalancer.cli.log import print_traceback
from rebalancer.cli.nights.monitoring import Monitor
from rebalancer.cli.nights.night import Surroundings, night_of
from rebalancer.cli.output import print_json, say, show_lines
from rebalancer.errors import InputError, RebalancerError
from rebalancer.execute import RunReporter, StopSignal, stop_on_signals
from rebalancer.nightly import (
    FleetEnd,
    Keeper,
    NightEnd,
    NightlyResult,
    Watchers,
    assert_collectable,
    write_fleet_textfile,
)
from rebalancer.nightly.workers import planner_on
from rebalancer.policy import DemandPolicy
from rebalancer.policy.fleet import Fleet, fleet_of
from rebalancer.solve import SolveReporter
from rebalancer.units import counted
from rebalancer.workers import OnDask, ProcessEach

WORST_FIRST = (5, 1, 4, 3, 8, 6, 7, 2, 0)
"""Exit codes, from the one that most needs somebody."""
GLANCE = 0.2
"""Seconds between two looks at whether all nights are over; a signal is answered in between."""


def nights_of(path: Path, given: Surroundings, *, execute: bool, dask: str | None, json: bool) -> int:
    """The worst exit code of the nights of the fleet at *path*, which are told in one summary.

    Raises:
        PolicyError: the fleet's own file cannot be used.
        ConnectionSettingsError: there is no cluster at *dask*.
        InputError: nothing can be written where metrics are wanted.
    """
    fleet = fleet_of(path)
    if given.metrics:
        assert_collectable(given.metrics)
    with stop_on_signals(tell=tell_stop) as stop:
        nights = _Nights(fleet, given, stop if execute else None, dask)
        ends = nights.all()
        code = worst(ends)
        settle(code)
        nights.write(code)
    if json:
        told = [each.as_json() for each in ends]
        print_json({"fleet": fleet.policy.name, "exit_code": code, "pools": told})
    else:
        show_lines(*_summary(fleet, ends, code))
    return code


def worst(ends: Sequence[NightEnd]) -> int:
    """The exit code that says the worst of them; what is not in the order counts as an error."""
    codes = [int(each.exit_code) if int(each.exit_code) in WORST_FIRST else int(Exit.ERROR) for each in ends]
    return min(codes, key=WORST_FIRST.index, default=int(Exit.DONE))


def metrics_of(metrics: Path, name: str, names: Sequence[str]) -> Path:
    """The textfile of the policy *name* beside *metrics*; two of *names* never share one."""

    def plain(each: str) -> str:
        return "".join(letter if letter.isalnum() else "-" for letter in each.removesuffix(".toml"))

    same = [each for each in names if plain(each) == plain(name)]
    number = f"-{same.index(name) + 1}" if len(same) > 1 else ""
    return metrics.with_name(f"{metrics.stem}-{plain(name)}{number}{metrics.suffix}")


def _summary(fleet: Fleet, ends: Sequence[NightEnd], code: int) -> Iterator[str]:
    for each in ends:
        first, *others = each.lines
        yield f"{each.policy}: code {int(each.exit_code)}, {each.verdict.replace('_', ' ')}: {first}"
        yield from (f"  {words}" for words in others)
        if each.result:
            yield from (f"  {words}" for words in each.result.left_alone)
            yield f"  plan: {each.result.folder}"
        yield from (f"  {purpose}: {command}" for purpose, command in each.next.items())
    failed = sum(each.failed for each in ends)
    done = sum(each.done for each in ends)
    told = f"{counted(len(ends), 'pool')}, {failed} failed, {counted(done, 'step')} carried out"
    yield f"fleet {fleet.policy.name}: {told}; exit code {code}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared(Keeper):
    """A keeper of a history that other nights write to as well: one at a time."""

    inner: Keeper
    lock: threading.Lock

    def reads(self, wanted: DemandPolicy) -> DemandPolicy:
        return self.inner.reads(wanted)

    def seen(self, state: rb.PoolState, policy: rb.Policy) -> rb.PoolState:
        with self.lock:
            return self.inner.seen(state, policy)

    def ended(self, night: NightEnd, words: str = "") -> None:
        with self.lock:
            self.inner.ended(night, words)


class _Nights:
    """The nights of a fleet, under way."""

    def __init__(self, fleet: Fleet, given: Surroundings, stop: StopSignal | None, dask: str | None) -> None:
        self._fleet, self._given, self._stop = fleet, given, stop
        self._reading = ThreadPoolExecutor(fleet.policy.read_at_once, thread_name_prefix="reading")
        self._planning: Executor = OnDask(dask) if dask else ProcessEach(fleet.policy.plan_at_once)
        self._turn, self._history = threading.Lock(), threading.Lock()
        self._names = [name for name, _ in fleet.members]
        self._ends: dict[str, NightEnd] = {}
        self._ending = {name: threading.Lock() for name in self._names}
        self._interrupted: BaseException | None = None
        self._began = datetime.now(UTC)

    def all(self) -> list[NightEnd]:
        """How each of them ended, in the order of the fleet; nights that a signal interrupts are told, too."""
        monitors = {name: self._monitor(name, path) for name, path in self._fleet.members}
        threads = [
            threading.Thread(target=self._one, args=(name, path, monitors[name]), daemon=True)
            for name, path in self._fleet.members
        ]
        try:
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                next(thread for thread in threads if thread.is_alive()).join(GLANCE)
        except BaseException as error:
            self._interrupted = error
            self._shut_down()
            for name, monitor in monitors.items():
                self._end(name, monitor, error)
            tell({"fleet": self._fleet.policy.name, "pools": [self._ends[name].as_json() for name in self._names]})
            self.write(exit_code(error) if isinstance(error, RebalancerError) else Exit.ERROR)
            raise
        self._shut_down()
        return [self._ends[name] for name in self._names]

    def write(self, code: int) -> None:
        """Write the metrics of the fleet as a whole, which ended with *code*; failing to ends nothing."""
        if not self._given.metrics:
            return
        nights = tuple(self._ends[name] for name in self._names)
        ended = datetime.now(UTC)
        told = FleetEnd(name=self._fleet.policy.name, began=self._began, ended=ended, exit_code=code, nights=nights)
        try:
            write_fleet_textfile(told, self._given.metrics)
        except InputError as failed:
            say(f"no metrics for monitoring: {failed}")

    def _shut_down(self) -> None:
        at_once = self._interrupted is not None
        self._reading.shutdown(wait=False, cancel_futures=True)
        self._planning.shutdown(wait=not at_once, cancel_futures=at_once)

    def _monitor(self, name: str, path: Path) -> Monitor:
        given = self._given
        metrics = metrics_of(given.metrics, name, self._names) if given.metrics else None
        return Monitor(metrics, path, given.state_dir, called=name)

    def _one(self, name: str, path: Path, monitor: Monitor) -> None:
        """The night of the policy at *path*, which nothing but its end comes out of."""
        failure: BaseException | None = None
        try:
            result = monitor.result = self._night(name, path, monitor)
            monitor.code = exit_of(result.plan, left=result.left) if self._given.detailed else Exit.DONE
        except Exception as error:  # noqa: BLE001 - whatever ends the night of a pool ends no other
            failure = self._interrupted or error
            if not isinstance(error, RebalancerError):
                print_traceback()
        self._end(name, monitor, failure)
        say(f"{name}: {self._ends[name].lines[0]}")

    def _end(self, name: str, monitor: Monitor, failure: BaseException | None) -> None:
        """Write and tell, once, that the night of *name* is over."""
        with self._ending[name]:
            if name not in self._ends:
                self._ends[name] = monitor.finished(failure)

    def _night(self, name: str, path: Path, monitor: Monitor) -> NightlyResult:
        @contextmanager
        def watching() -> Iterator[tuple[SolveReporter, RunReporter]]:
            yield SolveReporter(), RunReporter()

        def planned(result: NightlyResult) -> None:
            monitor.planned(result)
            say(f"{name}: planned: {result.plan.summary}")

        def beside(watchers: Watchers) -> Watchers:
            side_by_side = self._fleet.policy.carry_out == "side-by-side"
            return replace(
                watchers,
                planned=planned,
                reading=lambda read: self._reading.submit(read).result(),
                planner=planner_on(self._planning),
                turn=nullcontext if side_by_side else lambda: self._turn,
            )

        return night_of(
            path,
            self._given,
            self._stop,
            monitor,
            watching=watching,
            beside=beside,
            keeping=lambda keeper: _Shared(inner=keeper, lock=self._history),
        )
