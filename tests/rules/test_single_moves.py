"""Rules about a VM, a target or both, against the table that was written by hand."""

from __future__ import annotations

import pytest

from rebalancer.rules import LIVE, HostRule, Legality, PairRule, VMRule, rules_for
from tests.pools import make_vm, problem_of
from tests.rules.by_hand import ROWS, Row

NOT_HERE = {"demand-known", "same-pool", "crossed-stays", "in-one-pool"}
"""Rules that need metrics, or two pools."""
SINGLE = [rule.id for rule in LIVE if isinstance(rule, (VMRule, HostRule, PairRule))]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.rule}-{'legal' if row.legal else 'illegal'}")
def test_rule_objects_exactly_where_it_should(row: Row) -> None:
    """The rule of the row objects to the move if and only if the row is illegal, in words and with its code."""
    problem = row.problem()
    legality = Legality(problem, rules_for(problem))
    found = [
        each for each in legality.objections(problem.pool.vms["web"], problem.pool.hosts["h2"]) if each.rule == row.rule
    ]
    assert len(found) == (0 if row.legal else 1)
    assert all(each.words and each.words[-1] != "." for each in found)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.rule)
def test_staying_is_never_illegal(row: Row) -> None:
    """Nothing is said of a VM that stays, whatever is wrong with it or its host."""
    problem = row.problem()
    legality = Legality(problem, rules_for(problem))
    assert legality.objections(problem.pool.vms["web"], problem.pool.hosts["h1"]) == ()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.rule)
def test_targets_are_the_hosts_without_objections(row: Row) -> None:
    """`targets` and `objections` say the same of every row."""
    problem = row.problem()
    legality = Legality(problem, rules_for(problem))
    web, host = problem.pool.vms["web"], problem.pool.hosts["h2"]
    assert legality.targets(web) == (("h2",) if not legality.objections(web, host) else ())


def test_ordinary_guest_may_move() -> None:
    """To the move of an ordinary guest between ordinary hosts no rule objects."""
    problem = problem_of(vms=[make_vm("web")])
    legality = Legality(problem, rules_for(problem))
    assert legality.objections(problem.pool.vms["web"], problem.pool.hosts["h2"]) == ()


@pytest.mark.parametrize("rule", [rule for rule in SINGLE if rule not in NOT_HERE])
def test_every_rule_has_its_rows(rule: str) -> None:
    """The table holds something just legal, and something just illegal, for every rule about single moves."""
    assert {row.legal for row in ROWS if row.rule == rule} == {True, False}
