"""Balancers beside ours: they reach what they were measured to reach, and every move of theirs is legal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.generate import generate
from benchmarks.judge import Verdict, verdict
from benchmarks.migrations import Migration
from benchmarks.neutral import Json, read_instance
from benchmarks.peers.greedy import greedy
from benchmarks.peers.hill_climb import hill_climb
from benchmarks.table import MEASURED

SharedData = Callable[[str], Path]


def judged(instance: Json, moves: list[Migration]) -> Verdict:
    """What the moves lead to."""
    placement = {vm["id"]: vm["host"] for vm in instance["vms"]} | {move.vm: move.target for move in moves}
    return verdict(instance, placement, moves)


@pytest.mark.parametrize(("name", "moves", "gib"), [("16x250", 6, 114), ("64x1500", 46, 698)])
def test_greedy_reaches_what_the_greedy_floor_was_measured_at(
    shared_data: SharedData, name: str, moves: int, gib: float
) -> None:
    """Area 0 with as many moves and GiB as in PEERS.md."""
    instance = read_instance(shared_data(f"instances/{name}.json.gz"))
    found = judged(instance, greedy(instance))
    assert (found.area, found.moves, round(found.gib), found.broken, found.unfit) == (0, moves, gib, 0, 0)


def test_the_hill_climb_reaches_what_it_was_measured_at(shared_data: SharedData) -> None:
    """Level 3 on 16x250: area 0 with 4 moves and 358 GiB, as in PEERS.md."""
    instance = read_instance(shared_data("instances/16x250.json.gz"))
    found = judged(instance, hill_climb(instance, 3))
    assert (found.area, found.moves, found.gib, found.broken, found.unfit) == (0, 4, 358, 0, 0)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_hard_pools_are_repaired_without_an_illegal_move(seed: int) -> None:
    """Both leave no rule broken, make no move that does not fit, and overload less than there was."""
    instance = generate("16x250-h", seed)
    before = judged(instance, [])
    for method in (greedy, hill_climb):
        after = judged(instance, method(instance))
        assert (after.broken, after.unfit) == (0, 0)
        assert after.area < before.area
    assert before.broken > 0


def test_measured_figures_are_those_of_the_report(shared_data: SharedData) -> None:
    """The rows of the first table of PEERS.md are those of measured.json, with area, moves and GiB."""
    report, _, _ = shared_data("../PEERS.md").read_text(encoding="utf-8").partition("\nAdded ")
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in report.splitlines() if line.startswith("|")]
    expected, name = [], ""
    for first, *cells in lines[2:]:
        name = first.partition(" ")[0] or name
        area, moves, gib = (float(cell) if re.match(r"\d", cell) else None for cell in cells[1:4])
        expected.append((name, cells[0], area, moves, gib))
    rows = json.loads(MEASURED.read_text(encoding="utf-8"))["rows"]
    assert [(row["instance"], row["peer"], row["area"], row["moves"], row["gib"]) for row in rows] == expected
