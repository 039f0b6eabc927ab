"""Flip every comparison and set operation of the rules, one at a time, and see whether a test notices.

`python -m tests.mutants` prints a table of all mutants and fails if one survives; `python -m tests.mutants guest_tools`
tries one file only.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT, shared_folder

RULES = Path("rebalancer") / "rules"
NOT_RULES = frozenset({"__init__", "base", "catalogue", "report", "table"})
SUITES = (
    "single_moves",
    "storage_motion",
    "memory",
    "ledger",
    "policy_rules",
    "ha_plan",
    "words",
    "table",
    "unknown_facts",
    "xapi_verdicts",
)
"""Test files, those that kill most first; the answer is the first that fails."""

FLIPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.Sub: ast.Add,
    ast.BitAnd: ast.BitOr,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One file with one operator flipped."""

    path: Path
    line: int
    words: str
    source: str


def mutants(path: Path) -> Iterator[Mutant]:
    """Every flip of one file."""
    text = (ROOT / path).read_text()
    for number in range(len(list(_operators(ast.parse(text))))):
        tree = ast.parse(text)
        owner, field, place = list(_operators(tree))[number]
        before = ast.unparse(owner)
        _flip(owner, field, place)
        yield Mutant(
            path=path,
            line=getattr(owner, "lineno", 0),
            words=f"`{before}` to `{ast.unparse(owner)}`",
            source=ast.unparse(tree),
        )


def _operators(tree: ast.AST) -> Iterator[tuple[ast.AST, str, int]]:
    """All operators that can be flipped: their owner, the field that holds them, the place in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            yield from ((node, "ops", place) for place, each in enumerate(node.ops) if type(each) in FLIPS)
        elif isinstance(node, ast.BinOp) and type(node.op) in FLIPS:
            yield node, "op", 0


def _flip(owner: ast.AST, field: str, place: int) -> None:
    """Replace one operator."""
    value = getattr(owner, field)
    if isinstance(value, list):
        value[place] = FLIPS[type(value[place])]()
    else:
        setattr(owner, field, FLIPS[type(value)]())


def killer(mutant: Mutant) -> str:
    """The test file that notices *mutant*, or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for part in ("rebalancer", "tests", "docs"):
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        (copy / mutant.path).write_text(mutant.source)
        return next((suite for suite in SUITES if not _passes(copy, suite)), "")


def _passes(copy: Path, suite: str) -> bool:
    """Whether one test file passes in the copy."""
    command = [
        sys.executable,
        "-B",
        "-m",
        "pytest",
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        f"tests/rules/test_{suite}.py",
    ]
    known = {"REBALANCER_SHARED_DATA": str(shared_folder())}
    done = subprocess.run(command, cwd=copy, env={**os.environ, **known}, capture_output=True, check=False)
    return done.returncode == 0


def main(names: list[str]) -> int:
    """Try all mutants of the named files, or of all; how many survived."""
    paths = sorted(path.relative_to(ROOT) for path in (ROOT / RULES).rglob("*.py"))
    chosen = [path for path in paths if path.stem not in NOT_RULES and (not names or path.stem in names)]
    found = [mutant for path in chosen for mutant in mutants(path)]
    survivors = 0
    sys.stdout.write("| file | line | mutant | killed by |\n|---|---|---|---|\n")
    with ThreadPoolExecutor(2) as pool:
        for mutant, suite in zip(found, pool.map(killer, found), strict=True):
            survivors += not suite
            words = mutant.words.replace("|", "\\|").replace("\n", " ")
            sys.stdout.write(f"| {mutant.path.stem} | {mutant.line} | {words} | {suite or '**nobody**'} |\n")
            sys.stdout.flush()
    return survivors


if __name__ == "__main__":
    sys.exit(min(1, main(sys.argv[1:])))
