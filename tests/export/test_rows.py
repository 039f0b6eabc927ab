"""Disks and SRs as people read them: in plan.md, in moves.csv, in run.sh."""

from __future__ import annotations

from dataclasses import replace

from rebalancer.export import moves_csv, plan_from_json, plan_json, plan_markdown, xe_script
from rebalancer.export.rows import disk_rows
from rebalancer.plan import Plan
from tests.local_disks import carried, local_problem, local_sr, local_vm
from tests.plan.made import plan_of

SIZE = {"physical_utilisation_bytes": 20 * 2**30}


def plan(first: str, second: str) -> Plan:
    """The disk of a VM goes from a local SR to another one; the SRs have these names."""
    srs = [replace(local_sr("l1", **SIZE), name=first), replace(local_sr("l2"), name=second)]
    problem = local_problem(local_vm("web"), srs=srs)
    return plan_of(problem, problem.initial.after(carried("web")))


def test_srs_of_one_name_are_told_apart_by_their_hosts() -> None:
    """Every local SR is called `Local storage` after an installation; those of different names need no host."""
    (row,) = disk_rows(plan("Local storage", "Local storage").steps)
    assert row[3:5] == ("Local storage (h1, l1)", "Local storage (h2, l2)")
    assert disk_rows(plan("slow", "fast").steps) == [("s01", "web", "web-disk0", "slow", "fast", "20.0 GiB")]


def test_page_and_spreadsheet_name_disks_and_srs() -> None:
    """plan.md has a table of disks, there and back, and one of SRs; moves.csv counts the disks among the GiB."""
    made = plan("slow", "fast")
    page = plan_markdown(made)
    assert "| s01 | web | web-disk0 | slow | fast | 20.0 GiB |" in page
    assert "| r01 | web | web-disk0 | fast | slow | 20.0 GiB |" in page
    assert "| fast | 1 | 20.0 GiB | 0 | 0 MiB |" in page
    row = moves_csv(made).splitlines()[1].split(",")
    assert (row[8], row[-2]) == ("22.000", "web-disk0: slow -> fast")


def test_script_does_not_begin_a_way_with_disks() -> None:
    """`xe` would need the password on its command line: the script says what to use instead, and moves nothing."""
    script = xe_script(plan("slow", "fast"))
    assert "stop 's01 takes disks of web along' 'carry this plan out with rebalancer apply'" in script
    assert "step 's01" not in script


def test_plan_with_disks_is_read_back_as_it_was_written() -> None:
    """Disks and SRs survive plan.json."""
    made = plan("slow", "fast")
    assert plan_from_json(plan_json(made), "plan.json") == made
