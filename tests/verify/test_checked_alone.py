"""Verifying shares no code with what makes plans, but for values, words and the rules' own checkers."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import rebalancer

ROOT = Path(rebalancer.__file__).parent
MAKERS = "order", "schedule", "planner", "solve", "undo"
"""Rooms that choose placements, orders and times."""


def file_of(module: str) -> Path | None:
    """Where *module* stands; None where it is a name of one, or a whole room, which only hands names on."""
    path = ROOT.parent.joinpath(*module.split(".")).with_suffix(".py")
    return path if path.exists() else None


def imported(path: Path) -> Iterator[str]:
    """The modules of the package that *path* names, and names of rooms as modules of theirs."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rebalancer"):
            yield node.module or ""


def reached(module: str) -> set[str]:
    """Every module that *module* imports, and those that these import."""
    found, waiting = set[str](), {module}
    while waiting:
        each = waiting.pop()
        found.add(each)
        path = file_of(each)
        waiting |= set(imported(path)) - found if path else set()
    return found


def test_verifying_imports_nothing_that_makes_plans() -> None:
    """Neither itself, nor through anything that it imports."""
    found = reached("rebalancer.verify.verify")
    assert {
        "rebalancer.describe.concurrency",
        "rebalancer.verify.redescription",
        "rebalancer.describe.summary",
    } <= found
    assert not {each for each in found if each.split(".")[1] in MAKERS}


def test_the_makers_exist() -> None:
    """Each name above is a room, and putting a plan together reaches the order and the schedule."""
    assert all((ROOT / room).is_dir() for room in MAKERS)
    assert {"rebalancer.order.order", "rebalancer.schedule.schedule"} <= reached("rebalancer.planner.compose")
