"""docs/python.md is one session: every public submodule has an example, and all of them run."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

import rebalancer as rb

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"
FENCES = re.compile(r"^```\w*$", re.MULTILINE)


@pytest.mark.usefixtures("desk")
def test_the_session_runs() -> None:
    """In a folder with the snapshot of the demo's pool."""
    told: list[str] = []
    session = doctest.DocTestParser().get_doctest(FENCES.sub("", PAGE.read_text("utf-8")), {}, "python.md", None, 0)
    run = doctest.DocTestRunner().run(session, out=told.append)
    assert run.attempted > len(rb.PUBLIC)
    assert not run.failed, "".join(told)


def test_every_public_submodule_has_an_example() -> None:
    """Below a heading of its name, by that name."""
    sections = dict(re.findall(r"^### rb\.(\w+)\n(.*?)(?=^##|\Z)", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL))
    assert sorted(sections) == sorted(rb.PUBLIC)
    assert [name for name, text in sections.items() if not used(name, text)] == []


def used(name: str, text: str) -> bool:
    """Whether a line of an example names the submodule."""
    return re.search(rf"^(>>>|\.\.\.) .*\b(rb|rebalancer)\.{name}\b", text, re.MULTILINE) is not None
