"""A bar for each migration that is on its way, and one for the whole run, below the lines of the log on a terminal."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from rebalancer.cli.output import plain
from rebalancer.cli.watching.outlook import Outlook
from rebalancer.plan import Step
from rebalancer.units import counted, duration_in_words

BAR: Final = 16
"""Characters of a bar."""
LEFT: Final = 13
"""Characters of `120 min left`, and one more."""


class Bars:
    """Shows *outlook* on *console* until `stop`; nothing where that is no terminal."""

    def __init__(self, console: Console, outlook: Outlook) -> None:
        self._outlook = outlook
        self._steps: dict[str, TaskID] = {}
        self._progress = Progress(
            _Words("words", ratio=3),
            _Words("target", ratio=2),
            BarColumn(bar_width=BAR),
            TextColumn("{task.percentage:>3.0f}%", markup=False),
            _Left(outlook),
            console=console,
            transient=True,
            expand=True,
            disable=not console.is_terminal,
        )
        self._whole = self._progress.add_task("", total=1.0, words="", target="", step=None)

    def start(self) -> None:
        """Begin to show."""
        self.show()
        self._progress.start()

    def stop(self) -> None:
        """Take the bars away."""
        self._progress.stop()

    def begin(self, step: Step) -> None:
        """Add a bar for *step*."""
        if step.id not in self._steps:
            words, target = f"{step.id} {step.vm_name}", f"-> {step.target_name}"
            self._steps[step.id] = self._progress.add_task("", total=1.0, step=step.id, words=words, target=target)
        self.show()

    def advance(self, step: Step, share: float) -> None:
        """Let the bar of *step* be so long."""
        self.begin(step)
        self._progress.update(self._steps[step.id], completed=share)

    def end(self, step: Step) -> None:
        """Take the bar of *step* away."""
        if step.id in self._steps:
            self._progress.remove_task(self._steps.pop(step.id))
        self.show()

    def show(self) -> None:
        """Let the bar of the whole run be as long as the run is far."""
        outlook = self._outlook
        held = f", {len(outlook.held)} held" if outlook.held else ""
        words = f"{len(outlook.done)} of {counted(len(outlook.plan.steps), 'step')} done{held}"
        self._progress.update(self._whole, completed=outlook.share, words=words)


class _Words(ProgressColumn):
    """What a bar is of, on one line, its end cut where there is no room."""

    def __init__(self, field: str, *, ratio: int) -> None:
        self._field = field
        super().__init__(table_column=Column(ratio=ratio, no_wrap=True, overflow="ellipsis"))

    def render(self, task: Task) -> Text:
        """The words."""
        return plain(task.fields[self._field])


class _Left(ProgressColumn):
    """How long it will still take."""

    def __init__(self, outlook: Outlook) -> None:
        self._outlook = outlook
        super().__init__(table_column=Column(no_wrap=True, width=LEFT, justify="right"))

    def render(self, task: Task) -> Text:
        """Counted down between two news of it."""
        left = self._outlook.left(task.fields["step"])
        return Text(f"{duration_in_words(left)} left" if left else "")
