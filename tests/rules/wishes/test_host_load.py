"""The ceiling on load, by hand: legal, just legal, just illegal, staying; and what is above it tonight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from rebalancer.objectives import Repair
from rebalancer.placement import Migration, Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook, Violation
from rebalancer.rules.facts.loads import PARTS
from rebalancer.rules.wishes.host_load import HostLoad, LoadRow
from tests.solve.tiny import make_demand, tiny

RULE = "host-load"
LOAD = {"a": (6.0, 1.0, 1.0, 1.0), "b": (4.0, 4.0, 1.0, 1.0), "c": (4.0, 1.0, 8.0, 1.0)}
"""pCPUs of 16, by slot."""
HOMES = {"a": ("h1", 2.0), "b": ("h1", 2.0), "c": ("h2", 2.0)}


def limited(cpu: float, load: Mapping[str, Sequence[float]] = LOAD) -> Problem:
    """a and b on h1, c on h2, nobody on h3, each of 16 pCPUs, under a ceiling."""
    return tiny(HOMES, load=load, limits={"host_load": {"cpu": cpu}})


def ends(problem: Problem, **goal: str) -> list[str]:
    """The rules that an end breaks which may not."""
    return [each.rule for each in Rulebook.of(problem).violations(Placement(goal), since=problem.initial)]


def tonight(problem: Problem) -> list[Violation]:
    """What is broken before anything moves."""
    return list(Rulebook.of(problem).violations(problem.initial))


@pytest.mark.parametrize(("cpu", "broken"), [(0.875, False), (0.6251, False), (0.625, False), (0.6249, True)])
def test_a_host_uses_its_share_and_no_more(cpu: float, *, broken: bool) -> None:
    """a and c use 10 of 16 pCPUs at 00:00, 62.5 %; b and c never more than 9."""
    problem = limited(cpu)
    assert ends(problem, a="h1", b="h2", c="h2") == []
    assert ends(problem, a="h1", b="h1", c="h3") == []
    assert ends(problem, a="h2", b="h1", c="h2") == ([RULE] if broken else [])


def test_what_is_above_it_tonight_may_stay_and_not_rise() -> None:
    """h1 uses 10 of 16 at 00:00, the ceiling is 8: it may stay, shrink, and take whom that slot does not hurt."""
    problem = limited(0.5)
    assert [(each.rule, each.hosts, each.excess) for each in tonight(problem)] == [(RULE, ("h1",), 2)]
    assert ends(problem, a="h1", b="h1", c="h2") == []
    assert ends(problem, a="h3", b="h1", c="h2") == []
    assert ends(problem, a="h1", b="h1", c="h1") == [RULE]
    idle_then = limited(0.5, LOAD | {"c": (0.0, 1.0, 1.0, 1.0)})
    assert ends(idle_then, a="h1", b="h1", c="h1") == []


def test_who_leaves_a_host_above_it_may_be_replaced() -> None:
    """a, of 6 pCPUs, goes and c, of 4, comes: 8 of 16 pCPUs at 00:00, at a ceiling of 7.2; but not 10 at 02:00."""
    problem = limited(0.45, LOAD | {"c": (4.0, 1.0, 6.0, 1.0)})
    assert ends(problem, a="h3", b="h1", c="h1") == []
    assert ends(limited(0.45), a="h3", b="h1", c="h1") == [RULE]


def test_a_refusal_says_what_it_would_come_to() -> None:
    """h2 has 4 of 16 pCPUs at 00:00, and a would bring 6."""
    (refused,) = Rulebook.of(limited(0.5)).ledger().objections("a", "h2")
    assert "cpu load of host 'h2': 62.5%" in refused.words.lower()
    assert "at most 50.0%" in refused.words
    rule = HostLoad()
    row = next(each for each in rule.limits(limited(0.5)) if each.places == {"h2"})
    assert rule.refusal(row, 4 * PARTS, 6 * PARTS).words == row.words(10 * PARTS) != row.words(-2 * PARTS)


def test_a_vm_on_its_way_counts_on_both_hosts() -> None:
    """h2 has room for a once c has left it, and h1 for c once a has: neither comes first."""
    load = {"a": (9.0,) * 4, "b": (0.0,) * 4, "c": (9.0,) * 4}
    book = Rulebook.of(limited(1.0, load))
    ledger = book.ledger()
    assert [each.rule for each in ledger.objections("a", "h2")] == [RULE]
    assert [each.rule for each in ledger.objections("c", "h1")] == [RULE]
    ledger.join("c", "h3")
    assert [each.rule for each in ledger.objections("a", "h2")] == [RULE]
    ledger.settle("c", "h2")
    assert ledger.objections("a", "h2") == ()


def test_all_slots_of_a_host_are_told_together() -> None:
    """One violation a host, by its hottest slot; the breaches of all slots count."""
    problem = limited(0.25, {"a": (6.0, 5.0, 1.0, 1.0), "b": (4.0, 4.0, 1.0, 1.0), "c": (1.0,) * 4})
    found = tonight(problem)
    words = "CPU load of host 'h1': 62.5% at 00:00 UTC, at most 25.0%, and above it in 1 more slot"
    assert [(each.words, each.excess) for each in found] == [(words, 6 + 5)]
    assert Repair().value(problem.initial, Rulebook.of(problem)) == 11


def test_what_the_host_itself_uses_counts() -> None:
    """With 3 pCPUs of dom0, 10 of VMs are 13; where dom0 alone is above the ceiling, nobody comes."""
    problem = limited(0.75)
    demand = make_demand(problem.pool, LOAD, base=3.0)
    with_dom0 = replace(problem, demand=demand)
    assert [each.excess for each in tonight(with_dom0)] == [1]
    crowded = replace(problem, demand=make_demand(problem.pool, LOAD, base=12.5))
    assert ends(crowded, a="h3", b="h1", c="h2") == [RULE]
    assert [each.hosts for each in tonight(crowded)] == [("h1",), ("h2",)]


def test_a_vm_of_which_no_load_is_known_counts_with_its_vcpus() -> None:
    """It came after the metrics were read: absent is not zero."""
    problem = limited(0.25)
    assert problem.demand is not None
    known = problem.demand.vms.index("c")
    profile = replace(
        problem.demand, vms=("a", "b"), vm_pcpu=problem.demand.vm_pcpu[[n for n in range(3) if n != known]]
    )
    rows = [bound.limit for bound in Rulebook.of(replace(problem, demand=profile)).limits if bound.rule.id == RULE]
    vcpus = problem.pool.vms["c"].vcpus_max
    assert {row.weights.arrival["c"] for row in rows} == {vcpus * PARTS}  # type: ignore[union-attr]


def test_hosts_whose_load_is_not_known_have_no_ceiling() -> None:
    """A host that says nothing of its pCPUs is held by other rules."""
    problem = limited(0.75)
    silent = replace(problem.pool.hosts["h2"], cpu_info={})
    pool = replace(problem.pool, hosts={**problem.pool.hosts, "h2": silent})
    rows = [bound.limit for bound in Rulebook.of(replace(problem, pool=pool)).limits if bound.rule.id == RULE]
    assert {place for row in rows for place in row.places} == {"h1", "h3"}  # type: ignore[union-attr]


def test_without_metrics_or_without_the_key_nothing_is_limited() -> None:
    """`check` reads no metrics; the solver refuses to plan then."""
    for problem in (tiny(HOMES, limits={"host_load": {"cpu": 0.1}}), tiny(HOMES, load=LOAD)):
        assert all(bound.rule.id != RULE for bound in Rulebook.of(problem).limits)


def test_what_all_vms_together_just_fill_is_no_limit() -> None:
    """All use 14 of 16 pCPUs at 00:00: no host can be above 87.5 %."""
    filled, exceeded = (
        [bound.limit for bound in Rulebook.of(limited(cpu)).limits if bound.rule.id == RULE] for cpu in (0.875, 0.874)
    )
    assert filled == []
    assert {row.slot for row in exceeded if isinstance(row, LoadRow)} == {0}


def test_whatever_uses_a_host_without_pcpus_fills_it() -> None:
    """What the host itself uses, too."""
    row = replace(next(iter(HostLoad().limits(limited(0.5)))), capacity=0, own=1)
    assert ": 100.0% at" in row.words(0)
    assert ": 100.0% at" in row.words(1)
    assert ": 0.0% at" in row.words(-1)


def test_half_way_the_start_of_the_plan_counts() -> None:
    """h1 was at 10 of 16 before the plan; once b has left it, it may rise to 10 again, and no further."""
    problem = limited(0.5, LOAD | {"c": (4.5, 1.0, 1.0, 1.0)})
    half_way = Rulebook.of(problem).at(problem.initial.after(Migration(vm="b", source="h1", target="h3")))
    assert half_way.violations(Placement({"a": "h1", "b": "h1", "c": "h2"}), since=half_way.problem.initial) == ()
    worse = half_way.violations(Placement({"a": "h1", "b": "h3", "c": "h1"}), since=half_way.problem.initial)
    assert [each.rule for each in worse] == [RULE]


def test_the_way_back_does_without_it() -> None:
    """It leads to hosts that may have been above it."""
    book = Rulebook.of(limited(0.5))
    assert all(bound.rule.id != RULE for bound in book.way_back().limits)
    assert any(bound.rule.id == RULE for bound in book.limits)
