"""plan.md is CommonMark: what a renderer makes of it are the tables, lists and blocks that were meant."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from rebalancer.export import plan_markdown
from rebalancer.export.markdown_table import FOLDED
from rebalancer.export.overview import host_rows, reason_rows, risk_rows
from rebalancer.export.timetable import rows
from rebalancer.plan import EjectedCD, HAMargin, Plan, sealed
from rebalancer.plan.reason_kinds import KINDS, OTHER, kind_of
from rebalancer.units import GIB, size_in_words
from tests.export.cases import CASES
from tests.export.everything import golden_plan
from tests.export.rendered import NAMES, structure, tables, tokens_of
from tests.export.shell import named, swap_plan


def long_plan() -> Plan:
    """More steps than a table shows unfolded."""
    plan = swap_plan()
    steps = tuple(replace(plan.steps[0], id=f"s{number:02}") for number in range(FOLDED + 1))
    return sealed(replace(plan, steps=steps))


@pytest.mark.parametrize("case", CASES)
def test_every_table_is_a_table(case: str) -> None:
    """As many as have a line below their headings; no heading is empty, and no row is short, long or missing."""
    page = plan_markdown(CASES[case]().plan)
    found = tables(page)
    assert len(found) == len(re.findall(r"^\|[-:|]+\|$", page, re.MULTILINE))
    assert all(cell for table in found for cell in table[0])
    assert all(len(table) > 1 and {len(row) for row in table} == {len(table[0])} for table in found)
    assert sum(map(len, found)) + len(found) == len(re.findall(r"^\|", page, re.MULTILINE))


@pytest.mark.parametrize("made", [swap_plan, long_plan])
def test_the_timetable_is_shown_as_it_is_written(made: Callable[[], Plan]) -> None:
    """A fenced block with a line a step below its headings: renderers keep its columns."""
    plan = made()
    (fence,) = [token for token in tokens_of(plan_markdown(plan)) if token.type == "fence"]
    lines = fence.content.splitlines()
    assert [line.split()[0] for line in lines] == ["step", *(row[0] for row in rows(plan))]
    assert all(line.index("(") == lines[1].index("(") for line in lines[1:])


def test_long_tables_are_folded() -> None:
    """Steps and timetable; what is folded is Markdown still, and the short ones are open."""
    page = plan_markdown(long_plan())
    blocks = [token.content.strip() for token in tokens_of(page) if token.type == "html_block"]
    opened = f"<details>\n<summary>{FOLDED + 1} steps</summary>"
    assert blocks == [opened, "</details>"] * 2
    assert len(tables(page)) == len(tables(plan_markdown(swap_plan())))
    assert "<" not in re.sub(r"</?(details|summary)>", "", plan_markdown(golden_plan()))


@pytest.mark.parametrize("name", NAMES)
def test_no_name_changes_the_structure(name: str) -> None:
    """Whatever things are called: the same blocks, no HTML, no link, no emphasis."""
    page, plain = (plan_markdown(named(swap_plan(), each)) for each in (name, "plain"))
    assert structure(page) == structure(plain)
    inner = {each.type for token in tokens_of(page) for each in token.children or ()}
    assert inner <= {"text", "text_special", "softbreak", "code_inline"}


def test_what_decides_comes_first() -> None:
    """A reader who stops after the warnings knows why, where and what is risky."""
    page = plan_markdown(golden_plan())
    before, _, _ = page.partition("## Objectives")
    assert [table[0][0] for table in tables(before)] == ["steps to", "host", "risk"]
    warned = plan_markdown(swap_plan())
    assert warned.index("## Summary") < warned.index("## Warnings") < warned.index("## Steps")


def test_steps_are_counted_by_reason_and_host() -> None:
    """As many as there are, and as the hosts hold before and after; who is only parked stays."""
    plan = golden_plan()
    assert reason_rows(plan) == [("relieve a host over its threshold", 2), ("repair a broken rule", 1)]
    assert host_rows(plan) == [("h1", 2, 0, 1), ("h2", 1, 1, 1), ("h3", 0, 2, 1)]
    assert sum(count for _, count in reason_rows(swap_plan())) == len(swap_plan().steps)


def test_risks_have_figures() -> None:
    """The largest VM, the longest step, the least room, and what only some plans have; nothing without steps."""
    risks = dict(risk_rows(swap_plan()))
    assert risks["largest VM"] == "12.0 GiB of memory, big (s02)"
    assert "largest copy" not in risks
    assert risks["VMs parked on the way"] == "1: small"
    assert risks["steps without a way back"] == "none"
    disks = CASES["disks"]().plan
    carrying = dict(risk_rows(disks))
    assert "VMs whose disks go along" in carrying
    assert carrying["CDs that are ejected"] == "none"
    largest = max(disks.steps, key=lambda step: step.copied_bytes)
    assert carrying["largest copy"] == f"{size_in_words(largest.copied_bytes)}, {largest.vm_name} ({largest.id})"
    cds = replace(largest, ejects=(EjectedCD(device="xvdd", name="tools"),))
    assert (
        dict(risk_rows(replace(disks, steps=(cds,))))["CDs that are ejected"]
        == f"1: tools from {cds.vm_name} ({cds.id})"
    )
    untold = dict(risk_rows(replace(disks, ha=None, steps=(replace(largest, ejects=None),))))
    assert {untold[name] for name in ("CDs that are ejected", "HA margin on the way")} == {"not told by this plan file"}
    assert risk_rows(replace(swap_plan(), steps=())) == []


def test_what_ha_has_to_spare_is_told() -> None:
    """The least with its step, and what is lacking; the pool is named where there are several."""
    one = HAMargin(
        pool="pool", failures=1, before_bytes=3 * GIB, least_bytes=GIB, least_step="s02", after_bytes=2 * GIB
    )
    lacking = replace(one, failures=2, least_bytes=-GIB, least_step="")
    name = "HA margin on the way"
    ends = "(3.0 GiB left over before the plan, 2.0 GiB left over after it)"
    assert (
        dict(risk_rows(replace(swap_plan(), ha=(one,))))[name]
        == f"1.0 GiB left over at s02, once one host failed {ends}"
    )
    told = dict(risk_rows(replace(swap_plan(), ha=(one, lacking))))
    assert told[f"{name} in pool test pool"] == f"1.0 GiB too little, once 2 hosts failed {ends}"
    assert name not in dict(risk_rows(replace(swap_plan(), ha=())))


@pytest.mark.parametrize("case", CASES)
def test_every_reason_is_of_a_kind(case: str) -> None:
    """What this version says is known; words of others are told as such."""
    plan = CASES[case]().plan
    assert OTHER not in {kind_of(step.why) for step in (*plan.steps, *plan.rollback)}
    assert kind_of("because") == OTHER
    assert len(dict(KINDS)) == len(KINDS)
