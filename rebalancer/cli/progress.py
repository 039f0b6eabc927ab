"""What solver and runner tell while they work, on standard error: live on a terminal, line by line in a log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.status import Status

from rebalancer.cli.output import Log, plain
from rebalancer.units import counted

if TYPE_CHECKING:
    from rebalancer.execute import Looked, RunReporter, RunResult
    from rebalancer.plan import Plan, Step
    from rebalancer.solve import SolveReporter


@contextmanager
def watch_solve() -> Iterator[SolveReporter]:
    """A reporter that shows value, bound and gap while the solver works."""
    with Log().status("solving") as status:
        yield _on_solving(status)


@contextmanager
def watch_run() -> Iterator[RunReporter]:
    """A reporter that prints a line for everything that happens in a run, and how far the running migrations are."""
    to = Log()
    with to.status("looking at the pool") as status:
        yield _on_run(to, status)


@contextmanager
def watch_night() -> Iterator[tuple[SolveReporter, RunReporter]]:
    """Both, one after the other in one line."""
    to = Log()
    with to.status("looking at the pool") as status:
        yield _on_solving(status), _on_run(to, status)


def _on_solving(status: Status) -> SolveReporter:
    from rebalancer.solve import SolveReporter  # noqa: PLC0415 - only planning loads the solver

    class SolveWatcher(SolveReporter):
        def __init__(self, status: Status) -> None:
            self.status = status
            self.unit = ""

        def tier_started(self, objective: str, unit: str, value: float) -> None:
            self.unit = unit
            self.status.update(plain(f"solving: {objective} is {value:.3f} {unit}"))

        def progress(self, objective: str, value: float, bound: float) -> None:
            gap = (value - bound) / value if value > bound else 0.0
            said = f"{objective} {value:.3f}, no answer is below {bound:.3f} {self.unit}"
            self.status.update(plain(f"solving: {said} (gap {gap:.1%})"))

    return SolveWatcher(status)


class _Board:
    def __init__(self, status: Status) -> None:
        self._status = status
        self._running: dict[str, str] = {}

    def show(self, step: Step, how_far: str) -> None:
        self._running[step.id] = f"{step.id}: {step.vm_name} to {step.target_name}{how_far}"
        self._status.update(plain("; ".join(self._running.values())))

    def remove(self, step: Step) -> None:
        self._running.pop(step.id, None)


def _on_run(to: Log, status: Status) -> RunReporter:
    from rebalancer.execute import RunReporter  # noqa: PLC0415 - only a run loads the runner

    class RunWatcher(RunReporter):
        def __init__(self, to: Log, status: Status) -> None:
            self.to, self.board = to, _Board(status)

        def run_began(self, plan: Plan, differences: Sequence[str]) -> None:
            for difference in differences:
                self.to.say(f"the pool differs, and the plan is still legal: {difference}")
            self.to.say(f"{counted(len(plan.steps), 'migration')} on pool {plan.made_from.called}")

        def step_began(self, step: Step) -> None:
            self.board.show(step, "")

        def step_waits(self, step: Step, why: str) -> None:
            self.to.say(f"{step.id}: waiting: {why}")

        def step_progress(self, step: Step, progress: float) -> None:
            self.board.show(step, f", {progress:.0%}")

        def step_ended(self, step: Step, looked: Looked) -> None:
            self.board.remove(step)
            became = looked.words or looked.state
            self.to.say(f"{step.id}: {step.vm_name} {step.source_name} -> {step.target_name}: {became}")

        def stopping(self, why: str) -> None:
            self.to.say(f"starting nothing more: {why}")

        def run_ended(self, result: RunResult) -> None:
            """The end is printed by the command."""

    return RunWatcher(to, status)
