"""The words of a condition come from what a plan keeps, in whatever form it is shown."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

from rich.console import Console

from rebalancer.cli.views.plans import tiers_table
from rebalancer.export import read_plan
from rebalancer.export.markdown import plan_markdown
from rebalancer.plan.conditions import condition_lines, held_of, in_short
from rebalancer.policy import Policy
from rebalancer.tier import HeldTo, TierResult
from tests.planner.busy import PLAN

OLDER = Path(__file__).resolve().parents[1] / "export" / "older" / "plan.json"


def tier(objective: str, after: float, *held: HeldTo, excluded: int = 0) -> TierResult:
    """A proved result in GiB."""
    return TierResult(
        objective=objective,
        sentence="",
        unit="GiB",
        before=9.0,
        after=after,
        bound=after,
        proved=True,
        held=held,
        excluded=excluded,
    )


def test_the_first_objective_without_limits_has_no_condition() -> None:
    """Its bound is one of all that the rules allow."""
    assert condition_lines([tier("repair", 0)], Policy()) == []


def test_a_plan_that_does_not_say_what_was_held_held_what_stands_before() -> None:
    """So it was in versions that did not say it; the plan that they wrote is told with its conditions."""
    tiers = [tier("repair", 0), tier("balance", 2)]
    assert held_of(tiers, 1) == (HeldTo(objective="repair", unit="GiB", most=0),)
    older = read_plan(OLDER)
    assert all(each.held == () for each in older.tiers)
    assert condition_lines(older.tiers, older.policy)[-1].startswith(
        "The bound of balance is of placements with repair"
    )


def test_what_was_held_beyond_the_objectives_before_is_told_with_its_value() -> None:
    """In a sentence, what stands before needs no number."""
    load = HeldTo(objective="load-cost", unit="weighted pCPU-hours", most=1.5)
    tiers = [tier("repair", 0), tier("migration-cost", 6, HeldTo(objective="repair", unit="GiB", most=0), load)]
    assert in_short(tiers, 1) == " with repair, load-cost at most 1.5 held"
    kept = "repair at most 0 GiB, load-cost at most 1.5 weighted pCPU-hours"
    assert condition_lines(tiers, Policy()) == [f"The bound of migration-cost is of placements with {kept}."]


def test_limits_hosts_to_be_emptied_and_moves_without_an_order_are_told() -> None:
    """Also for the first objective: no bound is one of plans that exceed the limits."""
    limits = {"maximum_moves": 12, "maximum_gib": 40}
    policy = Policy.model_validate({"mode": "evacuate", "empty": ["xen3"], "limits": limits})
    words = "at most 12 moves, at most 40 GiB copied, no VM on xen3"
    assert condition_lines([tier("migration-cost", 6)], policy) == [
        f"The bound of migration-cost is of placements with {words}."
    ]
    ruled_out = "none of 2 sets of moves for which no legal order was found"
    assert condition_lines([tier("repair", 0, excluded=2)], Policy()) == [
        f"The bound of repair is of placements with {ruled_out}."
    ]


def test_who_was_not_to_move_is_told() -> None:
    """Those that moved apart from those that failed; a last resort may move, and is no condition."""
    at = datetime(2026, 11, 1, tzinfo=UTC)
    rests = [("a", "moved_at", True), ("b", "moved_at", True), ("c", "failed_at", True), ("d", "moved_at", False)]
    cooling = [{"vm": vm, when: at, "until": at, "stays": stays} for vm, when, stays in rests]
    told = "2 VMs that moved a short while ago left alone, 1 VM whose move failed left alone"
    assert condition_lines([tier("balance", 6)], Policy.model_validate({"cooling": cooling})) == [
        f"The bound of balance is of placements with {told}."
    ]


def test_text_and_markdown_say_the_same() -> None:
    """Below the table and above it, a sentence for each."""
    lines = condition_lines(PLAN.tiers, PLAN.policy)
    to = StringIO()
    Console(width=300, file=to).print(tiers_table(PLAN))
    shown, page = " ".join(to.getvalue().split()), plan_markdown(PLAN)
    assert lines
    assert all(line in shown for line in lines)
    assert all(f"- {line}" in page for line in lines)
