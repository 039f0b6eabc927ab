"""docs/execution.md and docs/nightly.md say what the code does."""

from __future__ import annotations

import re
import tomllib
from configparser import ConfigParser
from dataclasses import fields
from pathlib import Path

import pytest

from rebalancer.execute.journal.entries import FORMAT, KINDS
from rebalancer.execute.journal.outcome import StepState
from rebalancer.execute.judge.refusal import _PASSING
from rebalancer.execute.options import Timeouts
from rebalancer.policy import Policy

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
EXECUTION = (DOCS / "execution.md").read_text(encoding="utf-8")
NIGHTLY = (DOCS / "nightly.md").read_text(encoding="utf-8")
COMMAND = (
    "/opt/rebalancer/bin/rebalancer nightly --execute --state-dir /var/lib/rebalancer /etc/rebalancer/nightly.toml"
)


def rows(heading: str) -> dict[str, str]:
    """The second cell of every table row below a heading of the page by its first, where that is code."""
    section = EXECUTION.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `([^`]+)` \| ([^|]*) \|", section, re.MULTILINE))


def test_every_state_is_in_the_table() -> None:
    """With words about it."""
    assert set(rows("How a step may end")) == set(map(str, StepState))


def test_every_wait_is_in_the_table() -> None:
    """With its default in seconds; the factor stands beside the wait that it belongs to."""
    waits = {each.name for each in fields(Timeouts)} - {"step_factor"}
    assert rows("Timeouts") == {name: f"{getattr(Timeouts(), name):g}" for name in waits}
    assert f"`step_factor` ({Timeouts().step_factor:g})" in EXECUTION


def test_every_event_of_the_journal_is_in_the_table() -> None:
    """And the format is named."""
    assert set(rows("The journal")) == set(KINDS)
    assert FORMAT in EXECUTION


def test_every_passing_reason_is_named() -> None:
    """The codes that get one retry."""
    assert all(f"`{code}" in EXECUTION for code in _PASSING)


def test_the_policy_of_the_page_is_one() -> None:
    """What people copy can be loaded."""
    body = re.search(r"```toml\n(.*?)```", NIGHTLY, re.DOTALL)
    assert body
    assert Policy.model_validate(tomllib.loads(body[1])).pool.url == "https://xen01.example.org"


@pytest.mark.parametrize(
    ("unit", "sections"), [("service", {"Unit", "Service"}), ("timer", {"Unit", "Timer", "Install"})]
)
def test_the_units_are_units(unit: str, sections: set[str]) -> None:
    """Both files parse, and the service and the crontab line start the same command."""
    parser = ConfigParser(interpolation=None, delimiters=("=",), comment_prefixes=("#",), strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(ROOT / "rebalancer" / "nightly" / f"rebalancer-nightly.{unit}", encoding="utf-8")
    assert set(parser.sections()) == sections
    if unit == "service":
        assert parser["Service"]["ExecStart"] == COMMAND
    assert f"30 22 * * *  {COMMAND}" in NIGHTLY
