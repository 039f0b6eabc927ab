"""A plan that is a part of a better one, as people and cron meet it."""

from __future__ import annotations

import pytest

from rebalancer.cli.exits import Exit
from rebalancer.export import write_plan
from rebalancer.planner.rebalance import rebalance
from rebalancer.rules import Rulebook
from rebalancer.snapshot import Snapshot, write_snapshot
from tests.cli.terminal import QUICK, Terminal
from tests.order.stuck import WANTED, stuck
from tests.plan.made import MADE_AT, goal_of
from tests.planner.insists import Insists


@pytest.fixture
def person(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Before the snapshot of a pool in which a swap has no legal order, with a solver that wants it."""
    problem = stuck()
    snapshot = Snapshot(pool=problem.pool, demand=problem.demand, taken_at=MADE_AT, source="a test")
    write_snapshot(snapshot, terminal.folder / "pool.json")
    wanted = goal_of(problem, **WANTED)
    monkeypatch.setattr(
        "rebalancer.planner.rebalance.solve", Insists(problem, wanted, objectives=("repair", "balance"))
    )
    write_plan(rebalance(Rulebook.of(problem), made_at=MADE_AT), terminal.folder / "plan")
    terminal.write("policy.toml", QUICK)
    return terminal


def test_planning_says_that_the_plan_is_incomplete(person: Terminal) -> None:
    """First word, table, and the exit code where it was asked for; else it is a plan like any."""
    ended = person.run("plan", "pool.json", "--policy", "policy.toml", "--detailed-exitcode")
    assert ended.code == Exit.INCOMPLETE
    assert ended.out.startswith("Incomplete, 2 moves are missing: 1 step")
    assert "Missing: moves of a better placement" in ended.out
    assert person.run("plan", "pool.json", "--policy", "policy.toml").code == Exit.DONE


def test_programs_are_told(person: Terminal) -> None:
    """Outcome and missing moves stand in the JSON of `plan`, and of `show`."""
    for words in (["plan", "pool.json", "--policy", "policy.toml"], ["show", "plan"]):
        told = person.run(*words, "--json").json()
        assert told["outcome"] == "incomplete"
        assert [each["vm_name"] for each in told["missing"]] == ["big", "small"]


def test_reviewers_are_told(person: Terminal) -> None:
    """plan.md has a section of its own."""
    page = (person.folder / "plan" / "plan.md").read_text(encoding="utf-8")
    assert "\n## Missing\n" in page
    assert "| big | h2 | " in page
