"""The page for planners is run: every block of Python in order, and the file of scenarios."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rebalancer import scenarios
from rebalancer.whatif.scenarios.document import EDITS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "planning.md").read_text(encoding="utf-8")
MOST = 5
"""Lines that an answer takes at most."""


def blocks(language: str) -> list[str]:
    """The fenced blocks of the page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.usefixtures("desk")
def test_every_answer_runs_and_is_short() -> None:
    """In one notebook, from top to bottom."""
    room: dict[str, object] = {}
    for block in blocks("python"):
        assert len(block.splitlines()) <= MOST, block
        exec(compile(block, "docs/planning.md", "exec"), room)  # noqa: S102 - the page is ours


@pytest.mark.usefixtures("desk")
def test_the_file_of_scenarios_is_read(tmp_path: Path) -> None:
    """As it stands there."""
    (block,) = blocks("toml")
    path = tmp_path / "s.toml"
    path.write_text(block, encoding="utf-8")
    assert list(scenarios.read(path)) == ["as it is", "two hosts fewer", "next year", "stricter"]


def test_every_edit_has_a_row() -> None:
    """With its form in TOML."""
    told = re.findall(r"^\| `\w+\(.*?\)` \| `\{ (\w+) =", PAGE, re.MULTILINE)
    assert told == [kind.key for kind in EDITS if kind.key in told]
    assert set(told) == {kind.key for kind in EDITS}
