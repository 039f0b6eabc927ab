"""A small run in virtual time: what the benchmark promises of large ones holds, whatever else the machine does."""

from __future__ import annotations

import pytest

from benchmarks.execute import main, measured
from benchmarks.execute_stages import virtual


def test_a_run_keeps_up_with_its_plan() -> None:
    """Ends are seen within 200 ms, in a storm of other events as well, and little is lost between two steps."""
    with virtual(8, 100, 50) as stage:
        rows = {row.name: row for row in measured(stage, 8, 4)}
    assert rows["moves"].value == 8
    assert not rows["end noticed after, median"].missed
    assert rows["end noticed after, worst"].value < 0.3
    assert rows["ratio to what was predicted"].value < 1.1


def test_what_is_missed_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The table says so, and the command ends with 1."""
    monkeypatch.setattr("benchmarks.execute.MOST_RATIO", 1.0)
    assert main(["--hosts", "4", "--vms", "40", "--moves", "3", "--concurrent", "1"]) == 1
    assert "MISSED" in capsys.readouterr().out
