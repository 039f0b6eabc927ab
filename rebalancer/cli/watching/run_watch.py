"""A run while people watch: a line of the log for everything that happens, and bars below it on a terminal."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.status import Status

from rebalancer.cli.log import LogPriority
from rebalancer.cli.output import Log
from rebalancer.cli.watching.bars import Bars
from rebalancer.cli.watching.outlook import Outlook
from rebalancer.execute import Looked, RunReporter, StepState
from rebalancer.plan import Plan, Step
from rebalancer.units import counted


class RunWatch(RunReporter):
    """Tells *to* what happens in a run; *status* shows what is done before there is anything to tell."""

    def __init__(self, to: Log, status: Status) -> None:
        self._to, self._status = to, status
        self._outlook: Outlook | None = None
        self._bars: Bars | None = None

    def run_began(self, plan: Plan, differences: Sequence[str]) -> None:
        """Say what differs, and show bars from now on."""
        for difference in differences:
            self._to.say(f"the pool differs, and the plan is still legal: {difference}", LogPriority.WARNING)
        self._to.say(f"{counted(len(plan.steps), 'migration')} on pool {plan.made_from.called}")
        self._status.stop()
        self._outlook = Outlook(plan)
        self._bars = Bars(self._to, self._outlook)
        self._bars.start()

    def taken_up(self, done: Collection[str]) -> None:
        """Count what an earlier run has made."""
        if self._outlook and self._bars:
            self._outlook.made_before(done)
            self._bars.show()
            self._to.say(f"an earlier run has made {counted(len(done), 'step')}")

    def step_began(self, step: Step) -> None:
        """Add a bar."""
        if self._outlook and self._bars:
            self._outlook.begin(step)
            self._bars.begin(step)

    def step_waits(self, step: Step, why: str) -> None:
        """Say why."""
        if self._outlook and self._bars:
            self._outlook.hold(step)
            self._bars.end(step)
        self._to.say(f"{step.id}: waiting: {why}", LogPriority.WARNING, step=step.id, vm=step.vm_name)

    def step_progress(self, step: Step, progress: float) -> None:
        """Let its bar grow."""
        if self._outlook and self._bars:
            self._outlook.advance(step, progress)
            self._bars.advance(step, progress)

    def step_ended(self, step: Step, looked: Looked) -> None:
        """Say what became of it, and how long the rest will take."""
        far = ""
        if self._outlook and self._bars:
            self._outlook.end(step, moved=looked.state is StepState.MOVED)
            self._bars.end(step)
            far = f"; {self._outlook}"
        became = looked.words or looked.state
        moved = looked.state is StepState.MOVED
        self._to.say(
            f"{step.id}: {step.vm_name} {step.source_name} -> {step.target_name}: {became}{far}",
            LogPriority.INFO if moved else LogPriority.WARNING,
            step=step.id,
            vm=step.vm_name,
            source=step.source_name,
            target=step.target_name,
            state=str(looked.state),
        )

    def noticed(self, step: str, words: str) -> None:
        """Say it."""
        self._to.say(f"{step}: {words}" if step else words)

    def lock_told(self, words: str) -> None:
        """Say it."""
        self._to.say(words)

    def stopping(self, why: str) -> None:
        """Say why."""
        self._to.say(f"starting nothing more: {why}", LogPriority.WARNING)

    def close(self) -> None:
        """Take the bars away."""
        if self._bars:
            self._bars.stop()
