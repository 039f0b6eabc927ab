"""What solver and runner tell while they work, on standard error: live on a terminal, line by line in a log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.status import Status

from rebalancer.cli.output import Log, plain
from rebalancer.units import counted

if TYPE_CHECKING:
    from rebalancer.execute import Looked, RunReporter
    from rebalancer.plan import Plan, Step
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
        _unit = ""

        def tier_started(self, objective: str, unit: str, value: float) -> None:
            self._unit = unit
            status.update(plain(f"solving: {objective} is {value:.3f} {unit}"))

        def progress(self, objective: str, value: float, bound: float) -> None:
            gap = (value - bound) / value if value > bound else 0.0
            said = f"{objective} {value:.3f}, no answer is below {bound:.3f} {self._unit}"
            status.update(plain(f"solving: {said} (gap {gap:.1%})"))

    return SolveWatcher()


def _on_run(to: Log, status: Status) -> RunReporter:  # noqa: C901 - a method for each kind of news
    from rebalancer.execute import RunReporter  # noqa: PLC0415 - only a run loads the runner

    running: dict[str, str] = {}

    def show(step: Step, how_far: str) -> None:
        running[step.id] = f"{step.id}: {step.vm_name} to {step.target_name}{how_far}"
        status.update(plain("; ".join(running.values())))

    class RunWatcher(RunReporter):
        def run_began(self, plan: Plan, differences: Sequence[str]) -> None:
            for difference in differences:
                to.say(f"the pool differs, and the plan is still legal: {difference}")
            to.say(f"{counted(len(plan.steps), 'migration')} on pool {plan.made_from.called}")

        def step_began(self, step: Step) -> None:
            show(step, "")

        def step_waits(self, step: Step, why: str) -> None:
            running.pop(step.id, None)
            to.say(f"{step.id}: waiting: {why}")

        def step_progress(self, step: Step, progress: float) -> None:
            show(step, f", {progress:.0%}")

        def step_ended(self, step: Step, looked: Looked) -> None:
            running.pop(step.id, None)
            became = looked.words or looked.state
            to.say(f"{step.id}: {step.vm_name} {step.source_name} -> {step.target_name}: {became}")

        def noticed(self, step: str, words: str) -> None:
            to.say(f"{step}: {words}" if step else words)

        def lock_told(self, words: str) -> None:
            to.say(words)

        def stopping(self, why: str) -> None:
            to.say(f"starting nothing more: {why}")

    return RunWatcher()
