"""HA's failover plan: by hand, and never kinder than exact packing."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.inventory import HighAvailability, VBDType
from rebalancer.problem import Problem
from rebalancer.rules import (
    Ledger,
    PoolRule,
    Rulebook,
    rules_for,
)
from rebalancer.rules.availability.ha_packing import Packing, WorstCase, plan_exists
from rebalancer.rules.facts.agility import Everywhere
from rebalancer.units import GIB
from tests.pools import make_disk, make_host, make_network, make_pif, make_pool, make_sr, make_vdi, make_vm, problem_of

PROTECTED: dict[str, Any] = {"ha_always_run": True, "ha_restart_priority": "restart"}


def packing(free: Mapping[str, int], vms: Mapping[str, tuple[int, str | None]], failures: int = 1) -> Packing:
    """Hosts with their room, VMs with size and place."""
    return Packing(
        free=free,
        sizes={vm: size for vm, (size, _) in vms.items()},
        placed={vm: host for vm, (_, host) in vms.items() if host},
        hosts=len(free),
        failures=failures,
    )


@pytest.mark.parametrize(
    ("free", "vms", "failures", "exists"),
    [
        ({"h1": 0, "h2": 4}, {"a": (4, "h1")}, 1, True),
        ({"h1": 0, "h2": 3}, {"a": (4, "h1")}, 1, False),
        ({"h1": 9, "h2": 9}, {}, 2, True),
        ({"h1": 9, "h2": 9}, {"a": (1, "h1")}, 2, False),
        ({"h1": 9, "h2": 9}, {}, 3, False),
        ({"h1": 2, "h2": 2, "h3": 0}, {"a": (2, "h3"), "b": (2, "h3")}, 1, True),
        ({"h1": 3, "h2": 0, "h3": 0}, {"a": (2, "h3"), "b": (2, "h3")}, 1, False),
        ({"h1": 4, "h2": 4}, {"a": (4, None)}, 0, True),
        ({"h1": 3, "h2": 3}, {"a": (4, None)}, 0, False),
        ({"h1": 4, "h2": 4, "h3": 4}, {"a": (4, "h1")}, 2, True),
        ({"h1": 4, "h2": 4, "h3": 3}, {"a": (4, "h1")}, 2, False),
    ],
)
def test_plan_by_hand(
    free: dict[str, int], vms: dict[str, tuple[int, str | None]], failures: int, exists: bool
) -> None:
    """Small states, of which it is plain whether the VMs fit."""
    assert plan_exists(packing(free, vms, failures)) is exists


def test_big_pools_are_judged_by_their_worst_case() -> None:
    """Beyond 32 hosts every VM counts as the biggest, and the roomiest hosts fail with the most VMs."""
    hosts = {f"h{number:02}": 4 for number in range(33)}
    few = {f"v{number}": (4, f"h{number:02}") for number in range(32)}
    crowded = {f"v{number}": (1, "h00") for number in range(33)} | {"big": (4, "h01")}
    nearly_full = dict.fromkeys(hosts, 0) | {"h00": 4, "h01": 4}
    assert plan_exists(packing(nearly_full, {"big": (4, "h05")})) is True
    assert plan_exists(packing(nearly_full | {"h01": 3}, {"big": (4, "h05")})) is False
    assert plan_exists(packing(hosts, few)) is True
    assert plan_exists(packing(hosts, crowded)) is False
    del hosts["h32"]
    assert plan_exists(packing(hosts, crowded)) is True
    hosts["h32"] = 4
    assert plan_exists(packing(hosts, crowded | {"big": (1, "h01")})) is True


def nearly_full(seed: int) -> tuple[dict[str, int], dict[str, tuple[int, str | None]], int]:
    """Room on a few of 33 hosts, some VMs on these, and how many of them fail."""
    chance = random.Random(seed)
    free = {f"h{number:02}": chance.choice([-2, 0, 1, 2, 3, 5, 6]) if number < 5 else 0 for number in range(33)}
    vms = {f"v{n}": (chance.choice([1, 2, 3]), f"h{chance.randrange(4):02}") for n in range(chance.randrange(1, 6))}
    return free, dict(vms), chance.choice([0, 1, 1, 1, 2])


def test_worst_case_of_one_more_is_that_of_the_whole_state() -> None:
    """What was put down once answers as the whole plan does for one more VM, protected or not; both answers occur."""
    answers = []
    for seed in range(600):
        free, vms, failures = nearly_full(seed)
        before = packing(free, vms, failures)
        worst = WorstCase.of(before)
        assert worst is not None
        for host, moved in product(("h00", "h03", "h20"), (None, "v0")) if plan_exists(before) else ():
            size, home = vms[moved] if moved else (2, None)
            there = {**vms, moved: (size, host)} if moved else vms
            after = plan_exists(packing({**free, host: free[host] - size}, there, failures))
            assert worst.outlived_with(size, host, home) is after
            answers.append((after, bool(moved)))
    assert min(map(answers.count, product((True, False), (True, False)))) > 20


def test_a_host_that_is_disabled_is_charged_nothing_in_a_big_pool() -> None:
    """In a pool so big that only the worst case is looked at, a move there is refused for other reasons only."""
    total: dict[str, Any] = {"memory_total_bytes": 8 * GIB, "memory_overhead_bytes": 0}
    hosts = [make_host(f"h{number:02}", enabled=number != 32, **total) for number in range(33)]
    settings = HighAvailability(enabled=True, host_failures_to_tolerate=1, plan_exists_for=1, allow_overcommit=False)
    vms = (make_vm("a", on="h00", gib=1, **PROTECTED), make_vm("b", on="h01", gib=1))
    assert ha_ledger(problem_of(hosts=hosts, vms=vms, ha=settings)).objections("b", "h32") == ()


@pytest.mark.parametrize(
    ("hosts", "vms"),
    [(32, {"a": (1, "h00")}), (33, {}), (33, {"a": (0, "h00")}), (33, {"a": (1, "h00"), "b": (1, None)})],
    ids=["every order is looked at", "nobody is protected", "nothing is needed", "one has to be started first"],
)
def test_worst_case_is_not_asked_where_more_is_looked_at(hosts: int, vms: dict[str, tuple[int, str | None]]) -> None:
    """Then XAPI's plan is made as a whole."""
    assert WorstCase.of(packing({f"h{number:02}": 4 for number in range(hosts)}, vms)) is None


@given(
    free=st.lists(st.integers(0, 6), min_size=2, max_size=3),
    vms=st.lists(st.tuples(st.integers(1, 4), st.integers(0, 2)), max_size=4),
)
def test_plan_is_never_kinder_than_exact_packing(free: list[int], vms: list[tuple[int, int]]) -> None:
    """Where XAPI says that all VMs of any one failed host fit, an assignment of them really exists."""
    hosts = {f"h{number}": room for number, room in enumerate(free)}
    placed = {f"v{number}": (size, f"h{at % len(free)}") for number, (size, at) in enumerate(vms)}
    if plan_exists(packing(hosts, placed)):
        assert all(_fits(hosts, placed, dead) for dead in hosts)


def _fits(free: dict[str, int], vms: dict[str, tuple[int, str]], dead: str) -> bool:
    """Whether the VMs of a dead host fit on the others, tried in every way."""
    sizes = [size for size, host in vms.values() if host == dead]
    others = [host for host in free if host != dead]
    return any(
        all(sum(size for size, at in zip(sizes, where, strict=True) if at == host) <= free[host] for host in others)
        for where in product(others, repeat=len(sizes))
    )


def pool_with_ha(*, room_gib: float = 8, vms: tuple[Any, ...] = (), **ha: Any) -> Problem:  # noqa: ANN401 - fields
    """Three hosts of such room beside dom0, HA on for one failure."""
    settings = HighAvailability(
        **{"enabled": True, "host_failures_to_tolerate": 1, "plan_exists_for": 1, "allow_overcommit": False} | ha
    )
    total: dict[str, Any] = {"memory_total_bytes": int((4 + room_gib) * GIB), "memory_overhead_bytes": 0}
    hosts = [make_host(name, **total) for name in ("h1", "h2", "h3")]
    return problem_of(hosts=hosts, vms=vms, ha=settings)


def ha_ledger(problem: Problem) -> Ledger:
    """The ledger of HA's rule alone."""
    return Rulebook(problem, ha_rule(problem)).ledger(problem.initial)


def ha_rule(problem: Problem) -> list[PoolRule]:
    """HA's rule."""
    return [rule for rule in rules_for(problem) if isinstance(rule, PoolRule) and rule.id == "ha-plan"]


TIGHT = (make_vm("a", on="h1", gib=4, **PROTECTED), make_vm("b", on="h2", gib=5), make_vm("c", on="h3", gib=3))


def test_move_that_eats_the_slack_is_refused_even_if_unprotected() -> None:
    """`a` can restart on h3 only: nobody may take that room, though memory itself would suffice."""
    ledger = ha_ledger(pool_with_ha(vms=TIGHT))
    assert [each.rule for each in ledger.objections("b", "h3")] == ["ha-plan"]
    assert ledger.objections("c", "h2") == ()


def test_moving_vm_counts_on_both_hosts_until_it_has_settled() -> None:
    """While `c` is on its way from h3 to h1, h3 has not got its room back, so that `y` may not take what is left."""
    problem = pool_with_ha(vms=(*TIGHT, make_vm("y", on="h2", gib=1)))
    ledger = ha_ledger(problem)
    ledger.join("c", "h1")
    assert [each.rule for each in ledger.objections("y", "h3")] == ["ha-plan"]
    ledger.settle("c", "h3")
    assert ledger.objections("y", "h3") == ()
    assert ledger.broken() == ()


@pytest.mark.parametrize("ha", [{"enabled": False}, {"allow_overcommit": True}, {"plan_exists_for": 0}])
def test_nothing_is_refused_without_a_promise(ha: dict[str, Any]) -> None:
    """HA off, overcommit allowed, or no failure planned for."""
    assert ha_ledger(pool_with_ha(vms=TIGHT, **ha)).objections("b", "h3") == ()


def test_plan_that_does_not_exist_cannot_break() -> None:
    """Without a plan tonight nothing is refused, and the pool is told that there is none."""
    problem = pool_with_ha(room_gib=5, vms=TIGHT)
    assert ha_ledger(problem).objections("c", "h1") == ()
    assert [each.rule for each in Rulebook(problem, ha_rule(problem)).violations(problem.initial)] == ["ha-plan"]
    assert Rulebook(problem, ha_rule(problem)).breaches(problem.initial) == ()
    assert Rulebook(problem, ha_rule(problem)).violations(problem.initial, since=problem.initial) == ()


def test_one_vm_that_is_not_agile_ends_the_promise() -> None:
    """A protected VM with a device of its host: xapi refuses nothing for the plan."""
    stuck = make_vm("stuck", on="h2", gib=0.5, vusbs=("stick",), **PROTECTED)
    assert ha_ledger(pool_with_ha(vms=(*TIGHT, stuck))).objections("b", "h3") == ()


@pytest.mark.parametrize(("changes", "refused"), [({}, False), ({"vusbs": ("stick",)}, True)])
def test_vm_that_has_yet_to_be_protected_must_be_agile(changes: dict[str, Any], refused: bool) -> None:
    """A VM that HA is to restart, but does not protect yet, joins the plan when it moves: not if it cannot."""
    promised = make_vm("p", on="h2", gib=0.5, ha_restart_priority="restart", **changes)
    ledger = ha_ledger(pool_with_ha(room_gib=16, vms=(*TIGHT, promised)))
    assert bool(ledger.objections("p", "h3")) is refused


@pytest.mark.parametrize(("enabled", "live"), [(False, True), (True, False)])
def test_host_that_is_disabled_or_dead_takes_nobody(enabled: bool, live: bool) -> None:
    """Without h3 there is no room for `a`, and so no plan."""
    problem = pool_with_ha(vms=TIGHT)
    hosts = {**problem.pool.hosts, "h3": replace(problem.pool.hosts["h3"], enabled=enabled, live=live)}
    problem = problem_of(replace(problem.pool, hosts=hosts))
    assert [each.rule for each in Rulebook(problem, ha_rule(problem)).violations(problem.initial)] == ["ha-plan"]


@pytest.mark.parametrize(("vms", "exists"), [({}, True), ({"a": (0, "h00")}, False)])
def test_big_pools_with_nothing_to_restart(vms: dict[str, tuple[int, str]], exists: bool) -> None:
    """No protected VM always has a plan; one that needs nothing makes XAPI divide by zero, which is none."""
    assert plan_exists(packing({f"h{number:02}": 4 for number in range(33)}, vms)) is exists


@pytest.mark.parametrize(
    ("changes", "agile"),
    [
        ({}, True),
        ({"vusbs": ("stick",)}, False),
        ({"vbds": (make_disk("web", vdi="local-disk"),)}, False),
        ({"vbds": (make_disk("web", vdi="half-disk"),)}, False),
        ({"vbds": (make_disk("web", vdi=None),)}, False),
        ({"vbds": (make_disk("web"), make_disk("web", 1, vdi="local-disk"))}, False),
        ({"networks": ("lan", "nowhere")}, False),
        ({"vbds": (make_disk("web", vdi="local-disk", empty=True, type=VBDType.CD),)}, True),
        ({"networks": ("bonded",)}, False),
        ({"networks": ("nowhere",)}, False),
        ({"networks": ("fast",)}, False),
    ],
)
def test_agility(changes: dict[str, Any], agile: bool) -> None:
    """Shared SRs that every enabled host has, networks that every enabled host is on, no device of a host."""
    slave = make_pif("h2", "bonded", bond_slave_of="bond")
    virtual = make_pif("h2", "fast", free_virtual_functions=4)
    hosts = [
        make_host("h1", srs=("shared", "half", "local"), networks=("lan", "bonded", "fast")),
        make_host("h2", srs=("shared", "local"), pifs=(make_pif("h2"), slave, virtual)),
        make_host("h3", srs=(), networks=(), enabled=False),
    ]
    srs = (make_sr("half"), make_sr("local", shared=False))
    vdis = (make_vdi("half-disk", "half"), make_vdi("local-disk", "local"))
    networks = [make_network(name) for name in ("bonded", "nowhere", "fast")]
    pool = make_pool(hosts=hosts, vms=[make_vm("web", **changes)], srs=srs, vdis=vdis, networks=networks)
    assert Everywhere.of(pool).runs(pool.vms["web"]) is agile


@pytest.mark.parametrize(("failures", "words"), [(1, "the failure of one host"), (2, "the failure of 2 hosts")])
def test_words_say_how_many_failures_are_meant(failures: int, words: str) -> None:
    """One host, or so many."""
    problem = pool_with_ha(room_gib=5, vms=TIGHT, plan_exists_for=failures)
    broken = Rulebook(problem, ha_rule(problem)).violations(problem.initial)
    assert [each.words for each in broken] == [f"HA cannot restart all protected VMs after {words}"]


@pytest.mark.parametrize(("about_to_start_on", "broken"), [("h2", 0), (None, 1)])
def test_protected_vm_that_starts_is_where_it_is_about_to_run(about_to_start_on: str | None, broken: int) -> None:
    """It takes its memory there already; one that is halted needs a host with room to start on."""
    new = make_vm("new", on=None, gib=4, scheduled_to_be_resident_on=about_to_start_on, **PROTECTED)
    others = (make_vm("a", on="h1", gib=5), make_vm("b", on="h2", gib=4.5), make_vm("c", on="h3", gib=5))
    problem = pool_with_ha(vms=(new, *others), plan_exists_for=0)
    assert len(Rulebook(problem, ha_rule(problem)).violations(problem.initial)) == broken


def with_h1_disabled(problem: Problem) -> Problem:
    """The pool once h1 takes nobody any more."""
    hosts = {**problem.pool.hosts, "h1": replace(problem.pool.hosts["h1"], enabled=False)}
    return problem_of(replace(problem.pool, hosts=hosts))


@pytest.mark.parametrize("first", ["lost", "own"])
def test_protected_vm_that_no_live_host_counts_is_not_like_others_of_its_size(first: str) -> None:
    """On a disabled host `lost` has to start elsewhere: it may come to h2, `own` may not, whoever is asked first."""
    vms = (make_vm("lost", on="h1", gib=2, **PROTECTED), make_vm("own", on="h1", gib=2), make_vm("c", on="h3", gib=5))
    filled = make_vm("d", on="h2", gib=4.5)
    ledger = ha_ledger(with_h1_disabled(pool_with_ha(vms=(*vms, filled))))
    answers = {vm: bool(ledger.objections(vm, "h2")) for vm in (first, "lost", "own")}
    assert answers == {"lost": False, "own": True}


@pytest.mark.parametrize(("on_its_way_to", "beside_gib", "exists"), [("h2", 3.5, True), (None, 4.5, False)])
def test_protected_vm_that_leaves_a_disabled_host_is_counted_where_it_goes(
    on_its_way_to: str | None, beside_gib: float, exists: bool
) -> None:
    """It holds its memory on h2 already; one that goes nowhere needs a host with room to start on."""
    leaving = make_vm("leaving", on="h1", gib=4, scheduled_to_be_resident_on=on_its_way_to, **PROTECTED)
    others = (make_vm("b", on="h2", gib=beside_gib), make_vm("c", on="h3", gib=4.5))
    problem = with_h1_disabled(pool_with_ha(vms=(leaving, *others), plan_exists_for=0, room_gib=7.6))
    assert bool(Rulebook(problem, ha_rule(problem)).violations(problem.initial)) is not exists


def test_protected_vm_that_no_placement_names_is_counted_where_it_is() -> None:
    """XAPI counts a protected control domain as it counts a guest, though no plan ever places it."""
    driver = make_vm("driver", on="h1", gib=4, is_control_domain=True, **PROTECTED)
    others = tuple(make_vm(name, on=host, gib=5) for name, host in (("a", "h1"), ("b", "h2"), ("c", "h3")))
    problem = pool_with_ha(vms=(driver, *others), plan_exists_for=0)
    assert "driver" not in problem.initial.host_of
    assert not Rulebook(problem, ha_rule(problem)).violations(problem.initial)
