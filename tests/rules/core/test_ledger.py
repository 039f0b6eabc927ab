"""The ledger against plain sums, and what may stay broken."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import (
    Affinity,
    Ledger,
    PoolRule,
    Row,
    Rulebook,
    StateLimit,
    Weights,
)
from tests.rules.core.limits import HOSTS, Limits, three_hosts


def row(hosts: str, upper: int, weights: dict[str, int], arrival: dict[str, int] | None = None) -> Row:
    """A row over hosts named by their numbers: `12` is h1 and h2."""
    names = frozenset(f"h{number}" for number in hosts)
    return Row(subject="test", places=names, weights=Weights(resident=weights, arrival=arrival or weights), upper=upper)


def ledger_of(rules: Sequence[PoolRule], problem: Problem, placement: Placement) -> Ledger:
    """The ledger of all limits of *rules*."""
    return Ledger(Rulebook(problem, rules).limits, problem.pool, placement)


def test_arrival_weighs_more_until_it_has_settled() -> None:
    """A VM weighs its arrival weight from joining to settling, and its own afterwards."""
    problem = three_hosts(a="h1", b="h2")
    ledger = ledger_of([Limits(row("2", 10, {"a": 4, "b": 5}, {"a": 6, "b": 5}))], problem, problem.initial)
    assert [each.excess for each in ledger.objections("a", "h2")] == [1]
    ledger.join("a", "h2")
    assert len(ledger.broken()) == 1
    ledger.settle("a", "h1")
    assert ledger.broken() == ()


def test_vm_that_a_row_does_not_name_weighs_nothing() -> None:
    """Neither when it asks, nor when it joins, nor when it has settled."""
    problem = three_hosts(a="h1", b="h2")
    ledger = ledger_of([Limits(row("2", 1, {"b": 1}))], problem, problem.initial)
    assert list(ledger.refusals("a", "h2")) == []
    ledger.join("a", "h2")
    ledger.settle("a", "h1")
    assert ledger.broken() == ()
    assert ledger_of([Limits(row("2", 1, {"b": 1}))], problem, Placement({"a": "h2", "b": "h2"})).broken() == ()
    assert ledger_of([Limits(row("2", -1, {}))], problem, problem.initial).broken() == ()


def test_refusal_says_what_would_be_held() -> None:
    """The words of a row count the newcomer in."""
    problem = three_hosts(a="h1", b="h2")
    ledger = ledger_of([Limits(row("2", 7, {"a": 3, "b": 5}))], problem, problem.initial)
    assert [objection.words for _, objection in ledger.refusals("a", "h2")] == ["test: 8 (limit 7)"]


def test_a_row_that_is_full_to_the_brim_refuses_nobody() -> None:
    """3 joins 5 of at most 8."""
    problem = three_hosts(a="h1", b="h2")
    ledger = ledger_of([Limits(row("2", 8, {"a": 3, "b": 5}))], problem, problem.initial)
    assert list(ledger.refusals("a", "h2")) == []


@dataclass(frozen=True, slots=True, kw_only=True)
class Hourly(Row):
    """One of many rows that are told of together."""

    @property
    def series(self) -> str:
        """All rows of one subject."""
        return self.subject


def test_rows_of_one_series_refuse_once() -> None:
    """By the first of them that would break; another series has a word of its own."""
    problem = three_hosts(a="h1", b="h2")
    rows = [
        Hourly(subject=subject, places=frozenset({"h2"}), weights=Weights.same({"a": 1}), upper=upper, start=0)
        for subject, upper in (("load", 1), ("load", 0), ("load", 0), ("traffic", 0))
    ]
    ledger = ledger_of([Limits(*rows)], problem, problem.initial)
    assert [said.words for _, said in ledger.refusals("a", "h2")] == [
        "load: 1 (limit 0)",
        "traffic: 1 (limit 0)",
    ]


def test_group_on_one_host_is_no_violation() -> None:
    """Nothing is said of what is together."""
    problem = three_hosts(a="h1", b="h1")
    rules = [Limits(Affinity(subject="pair", vms=frozenset("ab")))]
    assert Rulebook(problem, rules).violations(problem.initial) == ()


class Never(StateLimit):
    """A judgement that refuses everything."""

    def refuses(self, vm: str, host: str, where: object) -> str:  # noqa: ARG002 - a judgement is handed the state
        """Always."""
        return f"{vm} never to {host}"

    def broken(self, where: object) -> str:  # noqa: ARG002 - a judgement is handed the state
        """Always."""
        return "never"


def test_judgement_names_whoever_is_to_blame() -> None:
    """Who wants to go where, or nobody when the state itself is wrong; one breach in both cases."""
    problem = three_hosts(a="h1")
    ledger = ledger_of([Limits(Never())], problem, problem.initial)
    found = [*ledger.objections("a", "h2"), *ledger.broken()]
    assert [(each.vms, each.hosts, each.excess) for each in found] == [(("a",), ("h2",), 1), ((), (), 1)]


def test_what_can_be_counted_is_counted_and_what_is_judged_is_not() -> None:
    """Rows and groups that are broken are mended piece by piece; a judgement holds or does not."""
    problem = three_hosts(a="h1", b="h2")
    rules = [Limits(row("1", 0, {"a": 1}), Affinity(subject="pair", vms=frozenset("ab")), Never())]
    assert [each.excess for each in Rulebook(problem, rules).breaches(problem.initial)] == [1, 1]
    assert len(Rulebook(problem, rules).violations(problem.initial)) == 3


def test_row_over_several_hosts_counts_a_vm_once() -> None:
    """A VM that moves between two hosts of a row joins nothing and weighs once while it holds both."""
    problem = three_hosts(a="h1", b="h3")
    ledger = ledger_of([Limits(row("12", 1, {"a": 1, "b": 1}))], problem, problem.initial)
    assert ledger.objections("a", "h2") == ()
    ledger.join("a", "h2")
    assert ledger.broken() == ()
    ledger.settle("a", "h1")
    assert len(ledger.objections("b", "h1")) == 1
    ledger.join("a", "h3")
    ledger.settle("a", "h2")
    assert ledger.objections("b", "h1") == ()


def test_broken_row_holds_only_those_who_join_with_weight() -> None:
    """An overfull row lets a weightless VM join, and refuses any other."""
    problem = three_hosts(a="h1", b="h1", c="h2", light="h2")
    ledger = ledger_of([Limits(row("1", 1, {"a": 1, "b": 1, "c": 1}))], problem, problem.initial)
    assert ledger.objections("light", "h1") == ()
    assert len(ledger.objections("c", "h1")) == 1


@given(seed=st.integers(0, 10_000))
def test_running_sums_are_the_sums(seed: int) -> None:
    """After any sequence of moves, the ledger says what a new ledger of the same placement says."""
    chance = random.Random(seed)
    vms = {f"v{number}": chance.choice(HOSTS) for number in range(5)}
    problem = three_hosts(**vms)
    weights = {vm: chance.randrange(4) for vm in vms}
    limits = Limits(*(row(over, chance.randrange(8), weights) for over in ("1", "2", "3", "12", "23")))
    ledger, placement = ledger_of([limits], problem, problem.initial), problem.initial
    for _ in range(6):
        vm, target = chance.choice(sorted(vms)), chance.choice(HOSTS)
        if placement[vm] != target:
            ledger.join(vm, target)
            ledger.settle(vm, placement[vm])
            placement = Placement({**placement.host_of, vm: target})
    fresh = ledger_of([limits], problem, placement)
    assert ledger.broken() == fresh.broken()
    assert all(ledger.objections(vm, host) == fresh.objections(vm, host) for vm in vms for host in HOSTS)


def test_end_violation_needs_a_newcomer() -> None:
    """A row that was over its limit and that nobody joined is no end violation, but a standing one."""
    problem = three_hosts(a="h1", b="h1", c="h2")
    rules = [Limits(row("1", 1, {"a": 1, "b": 1, "c": 1}))]
    elsewhere = Placement({"a": "h1", "b": "h1", "c": "h3"})
    joined = Placement({"a": "h1", "b": "h3", "c": "h1"})
    assert Rulebook(problem, rules).violations(elsewhere, since=problem.initial) == ()
    assert len(Rulebook(problem, rules).violations(elsewhere)) == 1
    assert [each.hosts for each in Rulebook(problem, rules).violations(joined, since=problem.initial)] == [("h1",)]


def test_end_violation_weighs_newcomers_as_arrivals() -> None:
    """Whoever came weighs its arrival weight at the end, whoever was there its own."""
    problem = three_hosts(a="h1", b="h2")
    rules = [Limits(row("1", 5, {"a": 2, "b": 2}, {"a": 9, "b": 3}))]
    goal = Placement({"a": "h1", "b": "h1"})
    assert Rulebook(problem, rules).violations(goal, since=problem.initial) == ()
    tighter = [Limits(row("1", 4, {"a": 2, "b": 2}, {"a": 9, "b": 3}))]
    assert len(Rulebook(problem, tighter).violations(goal, since=problem.initial)) == 1


def test_newcomer_without_weight_breaks_nothing() -> None:
    """A VM that the row does not weigh may join a row that is over its limit."""
    problem = three_hosts(a="h1", b="h1", light="h2")
    rules = [Limits(row("1", 1, {"a": 1, "b": 1}))]
    assert (
        Rulebook(problem, rules).violations(Placement({"a": "h1", "b": "h1", "light": "h1"}), since=problem.initial)
        == ()
    )


def test_group_that_is_apart_may_stay_but_not_spread() -> None:
    """A group on two hosts may stay there or shrink to one; a third host is a violation."""
    problem = three_hosts(a="h1", b="h2", c="h2")
    rules = [Limits(Affinity(subject="group", vms=frozenset("abc")))]
    assert len(Rulebook(problem, rules).violations(problem.initial)) == 1
    assert Rulebook(problem, rules).violations(problem.initial, since=problem.initial) == ()
    assert (
        Rulebook(problem, rules).violations(Placement({"a": "h2", "b": "h2", "c": "h2"}), since=problem.initial) == ()
    )
    assert (
        Rulebook(problem, rules).violations(Placement({"a": "h3", "b": "h3", "c": "h3"}), since=problem.initial) == ()
    )
    assert (
        len(Rulebook(problem, rules).violations(Placement({"a": "h3", "b": "h2", "c": "h2"}), since=problem.initial))
        == 1
    )


def test_limits_that_are_not_hard_only_count() -> None:
    """A soft row or group speaks against nobody, breaks no placement and stands as broken all the same."""
    problem = three_hosts(a="h1", b="h1", c="h2")
    rules = [
        Limits(replace(row("1", 1, {"a": 1, "b": 1, "c": 1}), hard=False)),
        Limits(Affinity(subject="group", vms=frozenset("abc"), hard=False)),
    ]
    ledger = ledger_of(rules, problem, problem.initial)
    assert ledger.objections("c", "h1") == ()
    assert list(ledger.refusals("c", "h1")) == []
    assert [each.excess for each in ledger.broken()] == [1]
    goal = Placement({"a": "h1", "b": "h3", "c": "h1"})
    assert Rulebook(problem, rules).violations(goal, since=problem.initial) == ()
    assert [each.excess for each in Rulebook(problem, rules).violations(goal)] == [1, 1]


class Together(StateLimit):
    """It is wrong that two VMs are on one host."""

    def refuses(self, vm: str, host: str, where: Mapping[str, Sequence[str]]) -> str | None:
        """Never asked here."""
        raise AssertionError((vm, host, where))

    def broken(self, where: Mapping[str, Sequence[str]]) -> str | None:
        """Whether a and b are."""
        return "a and b share a host" if where["a"][0] == where["b"][0] else None


def test_what_is_judged_at_the_end_is_what_was_in_order_before() -> None:
    """A goal that breaks it is refused; one that leaves it as broken as it was, or mends it, is not."""
    apart = three_hosts(a="h1", b="h2")
    (found,) = Rulebook(apart, [Limits(Together())]).violations(Placement({"a": "h1", "b": "h1"}), since=apart.initial)
    assert found.words == "a and b share a host"
    shared = three_hosts(a="h1", b="h1")
    assert (
        Rulebook(shared, [Limits(Together())]).violations(Placement({"a": "h2", "b": "h2"}), since=shared.initial) == ()
    )
    assert (
        Rulebook(shared, [Limits(Together())]).violations(Placement({"a": "h1", "b": "h2"}), since=shared.initial) == ()
    )
