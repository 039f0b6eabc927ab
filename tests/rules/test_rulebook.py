"""A rulebook is worked out once, and says of any state what a new rulebook of that state says."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from rebalancer.inventory import pool_from_records
from rebalancer.placement import Migration, Placement
from rebalancer.problem import Problem, problem_at
from rebalancer.rules import LIVE, TO_ANOTHER_POOL, WITH_STORAGE, Origin, Rulebook, When
from rebalancer.rules.core import legality
from rebalancer.rules.facts.memory_rows import MemoryRow
from rebalancer.simulator import demo_pool, local_pool
from tests.local_disks import local_problem, local_vm, with_disks
from tests.pools import make_host, make_network, make_pool, make_vm, policy_of, problem_of
from tests.rules.recordings import FILES, read

POOLS = {"demo": demo_pool, "local disks": local_pool}


def wandered(problem: Problem, chance: random.Random) -> Placement:
    """A placement in which a third of all guests are on some other host."""
    hosts = list(problem.pool.hosts)
    return Placement(
        {vm: chance.choice(hosts) if chance.random() < 1 / 3 else at for vm, at in problem.initial.host_of.items()}
    )


def answers(book: Rulebook) -> dict[tuple[str, str], object]:
    """What *book* says of every guest and host."""
    pool = book.problem.pool
    return {
        (vm, host.uuid): (book.live.objections(pool.vms[vm], host), book.why_not(pool.vms[vm], host))
        for vm in book.problem.initial
        for host in pool.hosts.values()
    }


@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize("seed", range(3))
def test_elsewhere_it_says_what_a_new_one_says(name: str, seed: int) -> None:
    """Hosts and kinds of VM keep their answers; whatever depends on places is asked anew."""
    problem = problem_of(pool_from_records(POOLS[name]().records), policy=with_disks())
    book, there = Rulebook.of(problem), wandered(problem, random.Random(seed))
    answers(book)
    assert answers(book.at(there)) == answers(Rulebook.of(problem_at(problem, there)))


@pytest.mark.parametrize("file", FILES[::5], ids=lambda file: file.name)
def test_elsewhere_in_recorded_pools_it_says_what_a_new_one_says(file: Path) -> None:
    """Pools whose hosts and VMs have something of everything."""
    problem = read(file).enforced()
    book, there = Rulebook.of(problem), wandered(problem, random.Random(1))
    answers(book)
    assert answers(book.at(there)) == answers(Rulebook.of(problem_at(problem, there)))


def test_a_network_that_moved_away_is_seen() -> None:
    """An internal network is where its VMs are: the host that had it has it no more."""
    inner = ("inner",)
    vms = [make_vm("web", networks=inner), make_vm("peer", on="h2", networks=inner)]
    problem = problem_of(vms=vms, networks=[make_network("inner")])
    book, move = Rulebook.of(problem), Migration(vm="web", source="h1", target="h2")
    assert book.objections(move) == ()
    gone = book.at(Placement({"web": "h1", "peer": "h1"}))
    assert {each.rule for each in gone.objections(move)} == {"network-on-target"}


def test_limits_are_stated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ledgers, violations, breaches and capacity of one problem share what each rule states."""
    asked: Counter[str] = Counter()

    def counting(kind: type, state: Callable[..., object]) -> Callable[..., object]:
        def limits(self: object, problem: Problem) -> object:
            asked[kind.__name__] += 1
            return state(self, problem)

        return limits

    for rule in LIVE:
        if rule.when:
            monkeypatch.setattr(type(rule), "limits", counting(type(rule), type(rule).limits))  # type: ignore[attr-defined]
    book = Rulebook.of(problem_of(vms=[make_vm("web"), make_vm("db", on="h2")]))
    start = book.problem.initial
    for _ in range(3):
        assert (book.ledger().broken(), book.violations(start), book.breaches(start)) == ((), (), ())
        assert book.capacity(["web"])
        assert book.routes.routes(book.problem.pool.vms["web"], book.problem.pool.hosts["h2"])
    assert set(asked.values()) == {1}


def test_no_kind_of_motion_is_judged_before_it_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks about XenMotion alone builds one table of answers; disks that go along take a second."""
    built: list[object] = []
    begin = legality.Legality.__init__

    def counting(self: legality.Legality, *given: object) -> None:
        built.append(self)
        begin(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(legality.Legality, "__init__", counting)
    book = Rulebook.of(local_problem(local_vm("web"), policy=with_disks()))
    vm, host = book.problem.pool.vms["web"], book.problem.pool.hosts["h2"]
    assert book.live.objections(vm, host)
    assert len(built) == 1
    assert book.targets(vm)
    assert len(built) == 2


def test_the_way_back_leaves_wishes_about_the_end_out() -> None:
    """All that no rule expressly leaves out: what XAPI states, what holds at every step, who is never to move."""
    back = {rule.id for rule in Rulebook.of(problem_of()).way_back().rules}
    gone = {"demand-known", "host-to-be-emptied", "must-run-on", "keep-apart", "spread-over-domains", "keep-together"}
    gone |= {"host-held", "stays-on-held-host", "vm-held", "host-load", "vms-per-host", "vcpus-per-pcpu"}
    assert back == {rule.id for rule in LIVE} - gone


def test_only_wishes_of_the_operator_are_left_out_on_the_way_back() -> None:
    """What XAPI or its manual states, what holds at every step and what disks obey binds whichever way a plan leads.

    But for the ceiling on load: the way back leads to hosts that may have been above it.
    """
    left_out = {rule for rule in (*LIVE, *WITH_STORAGE, *TO_ANOTHER_POOL) if not rule.binds_way_back}
    assert left_out <= set(LIVE)
    assert [rule.id for rule in left_out if rule.origin is not Origin.POLICY] == []
    assert [rule.id for rule in left_out if rule.when is When.EVERY_STEP] == ["host-load"]


def test_a_relaxed_rule_is_gone_from_rules_limits_and_policy() -> None:
    """As if the policy had relaxed it: the reserve is then kept by another rule."""
    book = Rulebook.of(problem_of(vms=[make_vm("web")]))
    relaxed = book.relaxed("memory-safety")
    asked = Rulebook.of(problem_of(vms=[make_vm("web")], policy=policy_of(rules={"relax": ["memory-safety"]})))
    assert [rule.id for rule in relaxed.rules] == [rule.id for rule in asked.rules]
    states = [{bound.rule.id for bound in each.limits} for each in (book, relaxed, asked)]
    assert states == [{"enough-memory", "memory-safety"}, *2 * [{"enough-memory", "host-reserve"}]]
    assert relaxed.problem.policy.rules.relax == ("memory-safety",)


def test_memory_rows_are_those_of_xapi_alone() -> None:
    """One a host, in bytes: what the policy keeps free or counts besides is no memory that XAPI holds."""
    pool = make_pool(hosts=[make_host("h1"), make_host("h2")], vms=[make_vm("a", on="h1", gib=4)])
    policy = policy_of(limits={"vms_per_host": {"at_most": 3}})
    rows = Rulebook.of(problem_of(pool, policy=policy)).memory_rows
    assert [row.places for row in rows] == [frozenset({"h1"}), frozenset({"h2"})]
    assert all(isinstance(row, MemoryRow) for row in rows)
