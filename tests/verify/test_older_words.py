"""Plans that say the same in the words of an earlier version verify as before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rebalancer.plan.reason_kinds import OTHER, kind_of
from rebalancer.verify.compare import differences
from rebalancer.verify.older_words import in_words_of_today
from rebalancer.verify.redescription import named_anew
from rebalancer.verify.tolerance import as_told
from tests.plan.made import demand_of, goal_of, plan_of, pool_with
from tests.pools import problem_of

OLDER = {
    "takes it away from b: VMs of group 'g' on one host: 2 of at most 1 [keep-apart]": (
        "separates it from b: VMs of group 'g' on one host: 2 (limit 1) [keep-apart]"
    ),
    "takes it off h1: VMs on one host: 3 of at most 2 [vms-per-host]": (
        "moves it off h1: VMs on one host: 3 (limit 2) [vms-per-host]"
    ),
    "leaves nobody on h1": "leaves h1 empty",
    "space of SR 'l2' for disks: 80.0 GiB of at most 60.0 GiB; on h1: a": (
        "space of SR 'l2' for disks: 80.0 GiB (limit 60.0 GiB); on h1: a"
    ),
}


@pytest.mark.parametrize(("older", "today"), OLDER.items())
def test_older_words_say_the_same(older: str, today: str) -> None:
    """They are kept where they are right, and counted with those of today."""
    assert in_words_of_today(older) == today
    assert in_words_of_today(today) == today
    assert as_told(older, today) == older
    assert list(differences(older, today, "why")) == []


@pytest.mark.parametrize(("older", "today"), OLDER.items())
def test_older_words_of_something_else_are_found(older: str, today: str) -> None:
    """Another VM, host or figure is another claim, in whatever words."""
    other = today.replace("b:", "c:").replace("h1", "h2").replace("(limit 60", "(limit 70")
    assert as_told(older, other) == other
    assert [path for path, _ in differences(older, other, "why")] == ["why"]


def test_older_reasons_are_counted_with_those_of_today() -> None:
    """By what they are for."""
    kinds = {older: (kind_of(older), kind_of(today)) for older, today in OLDER.items() if "space" not in older}
    assert all(one == other != OTHER for one, other in kinds.values())


@pytest.mark.parametrize(
    ("load", "kept"),
    [
        ("1 before, 0 after (overload 0.5 and 0 pCPU-hours)", True),
        ("1 before, 0 after (overload 5 and 0 pCPU-hours)", False),
    ],
)
def test_an_older_summary_is_kept_where_its_figures_are_right(load: str, kept: bool) -> None:
    """It counted hosts over their threshold first; a wrong overload is found in those words, too."""
    pool = pool_with({"h1": 20, "h2": 20}, {"a": ("h1", 4), "b": ("h1", 4)})
    problem = problem_of(pool, demand=demand_of(pool, {"a": 9.0, "b": 3.0}))
    plan = plan_of(problem, goal_of(problem, b="h2"))
    older = f"{plan.summary.partition(' Busiest host-hour')[0]} Hosts over their threshold: {load}."
    assert named_anew(replace(plan, summary=older), pool).summary == (older if kept else plan.summary)
