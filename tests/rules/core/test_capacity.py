"""What hosts hold, told in whole numbers to searches that know no rules."""

from __future__ import annotations

from dataclasses import replace

from rebalancer.rules import Affinity, PoolRule, Row, Rulebook, Weights, When
from rebalancer.rules.core.capacity import CapacityRow, capacity_rows
from rebalancer.rules.core.kinds import Bound
from tests.rules.core.limits import HOSTS, Limits, three_hosts

WEIGHTS = Weights(resident={"a": 3, "b": 2}, arrival={"a": 4})
"""`a` weighs more where it comes, `b` nothing there; nobody else weighs anything."""


def on(hosts: str, upper: int, weights: Weights = WEIGHTS) -> Row:
    """A row over hosts named by their numbers: `12` is h1 and h2."""
    return Row(subject="test", places=frozenset(f"h{number}" for number in hosts), weights=weights, upper=upper)


def rows(*limits: Row | Affinity) -> tuple[CapacityRow, ...]:
    """What is told of *limits*, with what a, b and c weigh."""
    bounds = [Bound(rule=Limits(limit), limit=limit) for limit in limits]
    return capacity_rows(bounds, HOSTS, ("a", "b", "c"))


def test_rows_of_one_weight_are_told_together() -> None:
    """The tightest of each host; a host without one holds whatever there is, coming and staying: 3 + 2 + 4."""
    (row,) = rows(on("1", 7), on("3", 5), on("1", 6), on("1", 8))
    assert row == CapacityRow(rule="limits", upper=(6, 9, 5), resident=(3, 2, 0), arrival=(4, 0, 0))


def test_what_may_be_held_on_is_no_breach() -> None:
    """A host that holds more than it should, before the plan, may keep that much."""
    (row,) = rows(replace(on("2", 5), start=8))
    assert row.upper == (9, 8, 9)


def test_rows_of_other_weights_are_told_apart() -> None:
    """Each under the rule that sets it."""
    others = Weights.same({"c": 1})
    assert [row.resident for row in rows(on("1", 7), on("1", 2, others))] == [(3, 2, 0), (0, 0, 1)]


def test_only_hard_rows_of_single_hosts_are_told() -> None:
    """No soft one, none of several hosts, none of an SR, and nothing that is no row."""
    sr = Row(subject="test", places=frozenset({"sr"}), weights=WEIGHTS, upper=1)
    together = Affinity(subject="test", vms=frozenset({"a", "b"}))
    assert rows(replace(on("1", 7), hard=False), on("12", 7), sr, together) == ()


def test_room_is_what_is_left() -> None:
    """h1 holds a, h3 holds b and c, and so much is free."""
    (row,) = rows(on("1", 7), on("2", 5), on("3", 2))
    assert row.room((0, 2, 2)) == (4, 5, 0)


def test_only_what_lasts_is_told() -> None:
    """What is demanded once the plan is done says nothing of the way."""

    class AtEnd(Limits):
        """As the test wants, once the plan is done."""

        when = When.AT_END

    problem = three_hosts(a="h1", b="h1", c="h1")
    rules: list[PoolRule] = [Limits(on("1", 7)), AtEnd(on("2", 5))]
    assert [row.upper for row in Rulebook(problem, rules).capacity(("a", "b", "c"))] == [(7, 9, 9)]
