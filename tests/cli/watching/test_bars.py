"""Bars below the log of a run: on a terminal of 80 columns no line is longer, whatever VMs and hosts are called."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from rebalancer.cli.output import Log
from rebalancer.cli.watching.bars import Bars
from rebalancer.cli.watching.outlook import Outlook
from rebalancer.cli.watching.run_watch import RunWatch
from rebalancer.execute import Looked, StepState
from tests.execute.scripted import MADE_AT
from tests.execute.watchful import wide_plan, wide_pool

PLAN = wide_plan(wide_pool(), concurrent=2)
NAMES = ["web", "x" * 300, "数据库" * 60, "[red]a[/red]\n\x1b[2Jb", "\u202eabc", ":warning:" * 30, ""]


class Hands:
    """A clock that only a test moves."""

    seconds = 0.0

    def __call__(self) -> float:
        """Seconds so far."""
        return self.seconds


def drawn(bars: Bars, out: StringIO) -> list[str]:
    """The lines that stand on the terminal when the bars end, as people see them."""
    out.truncate(0)
    bars._progress.live.transient = False
    bars.start()
    bars.stop()
    return [line for line in Text.from_ansi(out.getvalue()).plain.splitlines() if line.strip()]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_no_name_breaks_a_line(name: str) -> None:
    """One line a migration, and one for all; markup and control characters are only text."""
    out = StringIO()
    console = Console(file=out, force_terminal=True, width=80, color_system=None, legacy_windows=False)
    bars = Bars(console, Outlook(PLAN, Hands()))
    for step in PLAN.steps[:2]:
        bars.begin(replace(step, vm_name=name, target_name=name))
    lines = drawn(bars, out)[-3:]
    assert len(lines) == 3
    assert all(cell_len(line) <= 80 and line.isprintable() for line in lines)
    assert lines[0].startswith(f"0 of {len(PLAN.steps)} steps done")
    assert lines[1].startswith("s01")


def test_where_there_is_no_terminal_there_are_no_bars() -> None:
    """Nothing but what the log says."""
    out = StringIO()
    bars = Bars(Console(file=out, width=80), Outlook(PLAN, Hands()))
    bars.start()
    bars.advance(PLAN.steps[0], 0.5)
    bars.end(PLAN.steps[0])
    bars.stop()
    assert out.getvalue() == ""


def test_the_time_that_is_left_counts_down() -> None:
    """Between two news of it; a step that is done makes it shorter, one that is held is not counted."""
    clock = Hands()
    outlook = Outlook(PLAN, clock)
    whole = outlook.left()
    assert whole == pytest.approx(PLAN.schedule.seconds)
    outlook.begin(PLAN.steps[0])
    clock.seconds = 2.0
    assert outlook.left() == pytest.approx(whole - 2)
    outlook.advance(PLAN.steps[0], 0.5)
    assert 0 < outlook.left("s01") < PLAN.steps[0].seconds
    outlook.end(PLAN.steps[0], moved=True)
    assert outlook.left("s01") == 0
    assert outlook.share == pytest.approx(PLAN.steps[0].seconds / _seconds())
    outlook.hold(PLAN.steps[1])
    assert outlook.left("s02") == 0
    outlook.made_before(step.id for step in PLAN.steps)
    assert (outlook.left(), outlook.share) == (0, 1)


def _seconds() -> float:
    return sum(step.seconds for step in PLAN.steps)


def test_a_log_says_how_far_the_run_is(capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each step that is over, with what is done and left."""
    log = Log()
    with log.status("looking") as status:
        watch = RunWatch(log, status)
        watch.run_began(PLAN, ())
        for step in PLAN.steps[:2]:
            watch.step_began(step)
            watch.step_progress(step, 0.3)
        watch.step_ended(PLAN.steps[0], _looked("s01", StepState.MOVED))
        watch.step_ended(PLAN.steps[1], _looked("s02", StepState.STAYED))
        watch.close()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == f"{len(PLAN.steps)} migrations on pool {PLAN.made_from.called}"
    assert f"moved; 1 of {len(PLAN.steps)} steps done, about " in lines[1]
    assert f"stayed; 1 of {len(PLAN.steps)} steps done" in lines[2]


def _looked(step: str, state: StepState) -> Looked:
    return Looked(at=MADE_AT, step=step, state=state, power_state="Running", resident_on=None)
