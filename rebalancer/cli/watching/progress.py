"""What solver and runner tell while they work, on standard error: live on a terminal, line by line in a log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from rich.status import Status

from rebalancer.cli.output import Log, plain, say_progress
from rebalancer.units import counted

if TYPE_CHECKING:
    from rebalancer.cli.watching.run_watch import RunWatch
    from rebalancer.execute import RunReporter
    from rebalancer.plan import TierResult
    from rebalancer.solve import SolveReporter


@contextmanager
def watch_solve() -> Iterator[SolveReporter]:
    """A reporter that shows value, bound and gap while the solver works."""
    with Log().status("solving") as status:
        yield _on_solving(status)


@contextmanager
def watch_rehearsal(runs: int) -> Iterator[Callable[[int], None]]:
    """A function that shows how many of so many runs are over."""
    with Log().status("rehearsing") as status:
        yield lambda done: status.update(plain(f"rehearsing: {done} of {counted(runs, 'run')}"))


@contextmanager
def watch_run() -> Iterator[RunReporter]:
    """A reporter that prints a line for everything that happens in a run, and how far the running migrations are."""
    to = Log()
    with to.status("looking at the pool") as status, closing(_on_run(to, status)) as watch:
        yield watch


@contextmanager
def watch_night() -> Iterator[tuple[SolveReporter, RunReporter]]:
    """Both, one after the other in one line."""
    to = Log()
    with to.status("looking at the pool") as status, closing(_on_run(to, status)) as watch:
        yield _on_solving(status), watch


def _on_solving(status: Status) -> SolveReporter:
    from rebalancer.solve import SolveReporter  # noqa: PLC0415 - only planning loads the solver

    class SolveWatcher(SolveReporter):
        _unit = ""

        def __init__(self) -> None:
            self._held: list[str] = []

        def instance(self, *, hosts: int, units: int, pairs: int) -> None:
            del pairs
            say_progress(
                f"solving: {counted(hosts, 'host')}, {counted(units, 'VM or group', 'VMs and groups')} that may move"
            )
            self._held = []

        def tier_started(self, objective: str, unit: str, value: float) -> None:
            self._unit = unit
            say_progress(f"solving: {objective} is {value:.3f} {unit}", objective=objective, value=value)
            status.update(plain(f"solving: {objective} is {value:.3f} {unit}"))

        def progress(self, objective: str, value: float, bound: float) -> None:
            gap = (value - bound) / value if value > bound else 0.0
            held = f" with {', '.join(self._held)} held" if self._held else ""
            said = f"{objective} {value:.3f}, no answer{held} is below {bound:.3f} {self._unit}"
            status.update(plain(f"solving: {said} (gap {gap:.1%})"))

        def tier_done(self, result: TierResult) -> None:
            tried = f"{result.objective} {result.before:.3f} -> {result.after:.3f} {result.unit}"
            say_progress(f"solved: {tried}", objective=result.objective, value=result.after)
            self._held = [*(each.objective for each in result.held), result.objective]

    return SolveWatcher()


def _on_run(to: Log, status: Status) -> RunWatch:
    from rebalancer.cli.watching.run_watch import RunWatch  # noqa: PLC0415 - only a run loads the runner

    return RunWatch(to, status)
