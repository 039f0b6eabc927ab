"""What `import rebalancer as rb` offers: all of it, lazily, and not hidden by the rooms behind it."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import rebalancer as rb

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", [*rb.__all__, *rb.PUBLIC])
def test_names_are_there(name: str) -> None:
    """Each name and public submodule can be had, and `dir` lists it."""
    assert getattr(rb, name) is not None
    assert name in dir(rb)
    assert {each for each in dir(rb) if not each.startswith("__")} == {*rb.__all__, *rb.PUBLIC}


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As of any module."""
    with pytest.raises(AttributeError, match="no attribute 'rebalence'"):
        getattr(rb, "rebalence")  # noqa: B009 - the type checker knows, too


def test_type_checkers_see_the_same_names() -> None:
    """What is imported for types is what can be had."""
    tree = ast.parse((ROOT / "rebalancer" / "__init__.py").read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = [alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted(seen) == sorted([*rb.__all__, *rb.PUBLIC])


SCRIPT = """
import json, sys
from rebalancer.verify.verify import verify_plan
from rebalancer.undo.undo import undo
import rebalancer as rb
from rebalancer import verify, diff
print(json.dumps([type(each).__name__ for each in (rb.verify, rb.undo, rb.diff, verify, diff, rb.plan)]))
"""


def test_rooms_do_not_hide_names() -> None:
    """`rebalancer.verify` is the function, whatever was imported first."""
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, cwd=ROOT)
    assert json.loads(run.stdout) == [*["function"] * 5, "module"]


def test_reading_and_checking_load_no_solver() -> None:
    """Nor data frames: each name brings what it needs."""
    script = (
        "import sys, rebalancer as rb; rb.read, rb.Model, rb.check, rb.verify, rb.apply, rb.load; print(*sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert {"ortools", "pandas", "matplotlib"} & set(run.stdout.split()) == set()


def test_the_way_of_a_plan_is_short() -> None:
    """docs/development.md leads through fifteen files at most."""
    page = (ROOT / "docs" / "development.md").read_text(encoding="utf-8")
    section = page.partition("\n## The way of a plan\n")[2].partition("\n## ")[0]
    files = re.findall(r"^\| \[`[\w/]+`\]\(\.\./(rebalancer/[\w/]+\.py)\)", section, re.MULTILINE)
    assert 10 < len(files) <= 15
    assert all((ROOT / file).is_file() for file in files)


def test_the_public_submodules_are_documented() -> None:
    """The decision says of each what it is for."""
    page = (ROOT / "docs" / "decisions" / "0014-front-door.md").read_text(encoding="utf-8")
    assert [name for name in rb.PUBLIC if f"| `{name}` |" not in page] == []
    assert all(import_module(f"rebalancer.{name}").__doc__ for name in rb.PUBLIC)
