"""The lines of standard error."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from rebalancer.cli.exits import Exit
from rebalancer.cli.log import LogFormat, LogPriority, choose, chosen, line
from tests.cli.terminal import PASSWORD, ROOT, USER, Served, Terminal

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"


@pytest.fixture(autouse=True)
def nothing_chosen() -> None:
    """Each test begins with the default."""
    chosen.clear()


def test_lines_are_plain_by_default() -> None:
    """As they are, on one line whatever is in them."""
    assert line("two\nlines", LogPriority.ERROR, code=1) == "two lines"


def test_text_has_time_and_level() -> None:
    """In columns, in UTC."""
    choose(LogFormat.TEXT)
    assert re.fullmatch(rf"{TIME}Z WARNING s01: waiting", line("s01: waiting", LogPriority.WARNING))
    assert re.fullmatch(rf"{TIME}Z INFO    moved", line("moved"))


def test_json_is_one_object_a_line() -> None:
    """With time, level, message and whatever is known besides."""
    choose(LogFormat.JSON)
    told = json.loads(line("moved", vm="web\n01", step="s01"))
    assert (told["level"], told["message"], told["vm"], told["step"]) == ("info", "moved", "web\n01", "s01")
    assert datetime.fromisoformat(told["time"]).utcoffset() is not None


def test_an_error_is_told_in_each_form(terminal: Terminal) -> None:
    """One line with its exit code as JSON, with its priority for the journal."""
    told = terminal.run("--log-format", "json", "check", "nothing.json")
    document = json.loads(told.err)
    assert (told.code, document["level"], document["exit_code"]) == (Exit.ERROR, "error", 1)
    assert document["message"].startswith("nothing.json")
    assert terminal.run("--log-format", "journal", "check", "nothing.json").err.startswith(
        "<3>rebalancer: nothing.json"
    )
    assert re.match(rf"{TIME}Z ERROR   rebalancer: ", terminal.run("--log-format", "text", "check", "nothing.json").err)
    assert terminal.run("check", "nothing.json").err.startswith("rebalancer: nothing.json")


def test_a_night_tells_what_it_does(served: Served, terminal: Terminal) -> None:
    """That it reads, and each objective that it solves: one object a line, and standard output is as ever."""
    policy = terminal.write("p.toml", f'[pool]\nurl = "{served.url}"\n')
    told = terminal.run("--log-format", "json", "nightly", policy, "--state-dir", "s")
    lines = [json.loads(each) for each in told.err.splitlines()]
    assert lines[0]["message"] == f"reading the pool at {served.url}"
    assert any(each["message"].startswith("solved: balance ") for each in lines)
    assert {each["level"] for each in lines} == {"info"}
    assert terminal.run("nightly", policy, "--state-dir", "s").err == ""


@pytest.mark.parametrize("listens", [True, False])
def test_systemds_journal_is_seen_by_itself(tmp_path: Path, listens: bool) -> None:
    """Priorities stand before lines where standard error is what JOURNAL_STREAM names, and only there."""
    with (tmp_path / "journal").open("wb") as stream:
        status = os.fstat(stream.fileno())
        named = f"{status.st_dev}:{status.st_ino if listens else status.st_ino + 1}"
        known = {"JOURNAL_STREAM": named, "PYTHONPATH": str(ROOT), "REBALANCER_USER": USER}
        subprocess.run(
            [sys.executable, "-m", "rebalancer", "check", "nothing.json"],
            cwd=tmp_path,
            env=os.environ | known | {"REBALANCER_PASSWORD": PASSWORD},
            stderr=stream,
            check=False,
        )
    first = (tmp_path / "journal").read_text(encoding="utf-8")
    assert first.startswith("<3>rebalancer: " if listens else "rebalancer: ")
