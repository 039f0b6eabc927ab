"""plan.md and moves.csv: true to the plan, and no name from the pool is more than a name."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import datetime

import pytest

from rebalancer.export import moves_csv, plan_markdown
from rebalancer.export.markdown_table import markdown_text
from tests.export.shell import named, swap_plan


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1", "＝1"])  # noqa: RUF001
def test_no_cell_of_the_csv_is_a_formula(name: str) -> None:
    """A spreadsheet shows the name instead of computing it."""
    rows = list(csv.DictReader(io.StringIO(moves_csv(named(swap_plan(), name)), newline="")))
    assert [row["vm"][0] for row in rows] == ["'"] * 3
    assert all("\n" not in cell and "\r" not in cell for row in rows for cell in row.values())


def test_the_csv_has_a_row_for_every_step() -> None:
    """Ids, uuids, sizes and relations as the plan has them."""
    plan = swap_plan()
    rows = list(csv.DictReader(io.StringIO(moves_csv(plan), newline="")))
    assert [row["step"] for row in rows] == [step.id for step in plan.steps]
    assert [row["after"] for row in rows] == ["", "s01", "s02"]
    assert [row["gib"] for row in rows] == ["10.000", "12.000", "10.000"]


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        "[click](javascript:alert(1))",
        "![x](http://example.org/x.png)",
        "a | b | c",
        "line\n# heading",
        "<img src=x onerror=alert(1)>",
        "`code` **bold** _it_ ~~gone~~",
        "see http://example.org or www.example.org",
        "&lt;b&gt; $x$ @everybody #1",
        "\u202egnp.exe",
    ],
)
def test_a_hostile_name_is_no_markup(name: str) -> None:
    """Every table keeps its columns, and no character of a name is left to mean something."""
    page = plan_markdown(named(swap_plan(), name))
    shown = markdown_text(name)
    assert shown in page
    assert not [each for each in "<[`*_|~&$@#" if each in shown.replace(f"\\{each}", "")]
    assert "://" not in shown
    for line in page.splitlines():
        if line.startswith("| s0"):
            assert line.replace("\\|", "").count("|") == 10


def test_the_page_tells_a_reviewer_everything() -> None:
    """Summary and warnings first, then steps with reasons, hosts, the way back, the commands and the source."""
    page = plan_markdown(swap_plan())
    headings = [line for line in page.splitlines() if line.startswith("#")]
    assert headings == [
        "# Plan for pool test pool",
        "## Summary",
        "## Warnings",
        "## Steps",
        "## Timetable",
        "## Hosts, before and after",
        "## The way back",
        "## To check it and to carry it out",
        "## Made from",
    ]
    assert page.splitlines()[2].startswith("3 steps, 1 of them to park a VM")
    assert "| s01 (hop) | small | h2 | h3 | 10.0 GiB |" in page
    assert "    rebalancer apply PLAN URL" in page


def test_times_in_the_page_are_utc() -> None:
    """Whatever zone the plan was made in."""
    zone = datetime.fromisoformat("2026-11-01T04:00:00+02:00")
    assert "| made | 2026-11-01 02:00 UTC |" in plan_markdown(replace(swap_plan(), made_at=zone))
