"""Memory at every step: exact, one byte short, with moves under way, by xapi's count and by the safe one."""

from __future__ import annotations

import pytest

from rebalancer.inventory import DomainType
from rebalancer.problem import Problem
from rebalancer.rules import Ledger, Rulebook, rules_for
from rebalancer.rules.core.kinds import PoolRule
from rebalancer.rules.facts.memory_model import (
    arrival_bytes,
    arrival_overhead,
    counts_xen_vcpu_pages,
    guest_bytes,
)
from rebalancer.rules.memory.memory_safety import safe_bytes
from rebalancer.units import GIB, MIB
from tests.pools import SOFTWARE, make_host, make_memory, make_metrics, make_vm, policy_of, problem_of
from tests.rules.memory_now import free_bytes

DOM0 = 4 * GIB
OVERHEAD = 700 * MIB
NEED = 2 * GIB + 21 * MIB
"""What `web`, 2 GiB with 2 vCPUs, needs where it comes to."""


def pool_rules(problem: Problem, *ids: str) -> list[PoolRule]:
    """The pool rules with *ids* that bind *problem*."""
    return [rule for rule in rules_for(problem) if isinstance(rule, PoolRule) and rule.id in ids]


def admission(problem: Problem) -> Ledger:
    """The ledger of xapi's own memory rule."""
    return Rulebook(problem, pool_rules(problem, "enough-memory")).ledger(problem.initial)


def safety(problem: Problem) -> Ledger:
    """The ledger of the safe memory rule."""
    return Rulebook(problem, pool_rules(problem, "memory-safety")).ledger(problem.initial)


def with_room(spare_bytes: int, **vm: object) -> Problem:
    """`web` on h1, and h2 with just so much free memory by xapi's count."""
    total = DOM0 + OVERHEAD + spare_bytes
    hosts = (make_host("h1"), make_host("h2", memory_total_bytes=total))
    policy = policy_of(capacity={"memory_reserve_mib": 0})
    return problem_of(hosts=hosts, vms=[make_vm("web", **vm)], policy=policy)  # type: ignore[arg-type]


@pytest.mark.parametrize(("spare", "fits"), [(NEED, True), (NEED - 1, False), (NEED - MIB, False)])
def test_admission_is_exact_to_the_byte(spare: int, fits: bool) -> None:
    """As much as is needed is enough, one byte less is not."""
    assert (admission(with_room(spare)).objections("web", "h2") == ()) is fits


@pytest.mark.parametrize(("spare", "fits"), [(NEED, True), (NEED - 1, False)])
def test_safety_is_exact_to_the_byte(spare: int, fits: bool) -> None:
    """For a VM of fixed size the safe rule asks for the same."""
    assert (safety(with_room(spare)).objections("web", "h2") == ()) is fits


def test_newcomer_counts_in_whole_mib_and_resident_in_bytes() -> None:
    """One byte over a MiB costs a MiB on arrival, and one byte afterwards."""
    problem = with_room(NEED + MIB, memory=make_memory(dynamic_min_bytes=GIB + 1))
    assert arrival_bytes(problem.pool.vms["web"], xen_vcpu_pages=True) == GIB + MIB + 21 * MIB
    assert free_bytes(problem.pool)["h1"] == 64 * GIB - OVERHEAD - DOM0 - (GIB + 1 + 21 * MIB)


def test_admission_counts_dynamic_minimum_and_safety_what_is_held() -> None:
    """A VM that may be squeezed to 1 GiB is admitted there, but not where it holds 2 GiB now."""
    problem = with_room(NEED - MIB, memory=make_memory(dynamic_min_bytes=GIB))
    assert admission(problem).objections("web", "h2") == ()
    assert len(safety(problem).objections("web", "h2")) == 1


def test_safety_counts_what_a_guest_really_holds() -> None:
    """A guest that holds more than it should counts with that."""
    problem = with_room(NEED, metrics=make_metrics(memory_actual_bytes=2 * GIB + 1))
    assert len(safety(problem).objections("web", "h2")) == 1


def test_reserves_of_the_policy_stay_free() -> None:
    """What is kept free everywhere and what is kept free on a host add up."""
    reserve = [{"hosts": ["h2"], "memory_mib": 5}]
    for spare, fits in ((NEED + 12 * MIB, True), (NEED + 12 * MIB - 1, False)):
        small = make_host("h2", memory_total_bytes=DOM0 + OVERHEAD + spare)
        policy = policy_of(capacity={"memory_reserve_mib": 7}, reserve=reserve)
        problem = problem_of(hosts=(make_host("h1"), small), vms=[make_vm("web")], policy=policy)
        assert (safety(problem).objections("web", "h2") == ()) is fits


def test_reserve_is_kept_without_the_safety_rule() -> None:
    """With the safety rule relaxed, the reserve is kept by xapi's count; with it, one rule is enough."""
    for relax, limits in (((), 0), (("memory-safety",), 2)):
        problem = problem_of(vms=[make_vm("web")], policy=policy_of(rules={"relax": relax}))
        found = pool_rules(problem, "host-reserve")
        assert sum(len(rule.limits(problem)) for rule in found) == limits
    tight = make_host("h2", memory_total_bytes=DOM0 + OVERHEAD + NEED + 71 * MIB)
    policy = policy_of(rules={"set": "enforced"})
    problem = problem_of(hosts=(make_host("h1"), tight), vms=[make_vm("web")], policy=policy)
    ledger = Rulebook(problem, pool_rules(problem, "host-reserve")).ledger(problem.initial)
    assert len(ledger.objections("web", "h2")) == 1


def test_vm_on_its_way_holds_both_hosts() -> None:
    """Until it has settled it takes memory on both, and so does one that somebody else is moving."""
    problem = with_room(NEED)
    ledger = admission(problem)
    ledger.join("web", "h2")
    assert ledger.objections("web", "h2") == ()
    other = problem_of(
        hosts=(make_host("h1", memory_total_bytes=DOM0 + OVERHEAD + 2 * NEED - 1), make_host("h2"), make_host("h3")),
        vms=[make_vm("web"), make_vm("next", on="h2")],
    )
    busy = admission(other)
    assert len(busy.objections("next", "h1")) == 1
    busy.join("web", "h2")
    assert len(busy.objections("next", "h1")) == 1
    busy.settle("web", "h1")
    assert busy.objections("next", "h1") == ()
    flying = problem_of(
        hosts=(make_host("h1"), make_host("h2", memory_total_bytes=DOM0 + OVERHEAD + 2 * NEED - 1)),
        vms=[make_vm("web"), make_vm("bird", scheduled_to_be_resident_on="h2", current_operations=("pool_migrate",))],
    )
    assert len(admission(flying).objections("web", "h2")) == 1


def test_overfull_host_may_stay_so_but_takes_nobody() -> None:
    """An old breach is reported, in whole GiB, and holds nobody; a newcomer is refused."""
    problem = problem_of(
        hosts=(make_host("h1"), make_host("h2", memory_total_bytes=DOM0 + OVERHEAD + GIB)),
        vms=[make_vm("web"), make_vm("fat", on="h2")],
    )
    rules = pool_rules(problem, "enough-memory")
    broken = Rulebook(problem, rules).violations(problem.initial)
    assert [(each.rule, each.hosts, each.vms, each.excess) for each in broken] == [
        ("enough-memory", ("h2",), ("fat",), 2)
    ]
    assert len(admission(problem).objections("web", "h2")) == 1


@pytest.mark.parametrize(
    ("gib", "vcpus", "kind", "new", "old"),
    [
        (4, 2, DomainType.HVM, 37, 36),
        (16, 4, DomainType.HVM, 135, 134),
        (64, 16, DomainType.HVM, 533, 530),
        (4, 2, DomainType.PV, 36, 35),
        (9, 2, DomainType.PV_IN_PVH, 77 + 23 + 102, 76 + 23 + 102),
    ],
)
def test_overhead_formula(gib: int, vcpus: int, kind: DomainType, new: int, old: int) -> None:
    """MiB of overhead as xapi from 26.3 and before computes them."""
    vm = make_vm("web", gib=gib, vcpus_max=vcpus, domain_type=kind)
    assert arrival_overhead(vm, xen_vcpu_pages=True) == new * MIB
    assert arrival_overhead(vm, xen_vcpu_pages=False) == old * MIB


@pytest.mark.parametrize(
    ("stored_mib", "build", "expected"),
    [(21, "26.1.4", True), (20, "26.1.4", False), (20, "26.17.0", True), (99, "26.3.0", True), (99, "26.2.9", False)],
)
def test_overhead_formula_is_found_in_what_xapi_stored(stored_mib: int, build: str, expected: bool) -> None:
    """xapi counts so by its version, and before it where it stored so; a VM may have started before an upgrade."""
    hosts = [make_host("h1", software_version=SOFTWARE | {"xapi_build": build})]
    problem = problem_of(hosts=hosts, vms=[make_vm("web", memory_overhead_bytes=stored_mib * MIB)])
    assert counts_xen_vcpu_pages(problem.pool) is expected


def test_host_without_metrics_offers_nothing() -> None:
    """Memory that nobody knows of is no memory."""
    problem = problem_of(hosts=(make_host("h1"), make_host("h2", memory_total_bytes=None)), vms=[make_vm("web")])
    assert len(admission(problem).objections("web", "h2")) == 1
    assert free_bytes(problem.pool)["h2"] == 0


@pytest.mark.parametrize(("kind", "mib"), [(DomainType.HVM, 37 + 34), (DomainType.PV, 36)])
def test_shadow_multiplier_counts_for_hvm_only(kind: DomainType, mib: int) -> None:
    """Twice the shadow memory for an HVM guest, and none more for a PV guest."""
    vm = make_vm("web", gib=4, domain_type=kind, hvm_shadow_multiplier=2.0)
    assert arrival_overhead(vm, xen_vcpu_pages=True) == mib * MIB


def test_one_vm_tells_how_xapi_counts_vcpu_pages() -> None:
    """What xapi stored for any running VM tells of a fix that was ported back; odd and missing overheads do not."""
    new, old = (arrival_overhead(make_vm("a", vcpus_max=32), xen_vcpu_pages=pages) for pages in (True, False))
    for build, known, counted in (
        ("26.1.4", new, True),
        ("26.1.4", old, False),
        ("26.4", old, True),
        ("26.3", None, True),
    ):
        hosts = [make_host("h1", software_version=SOFTWARE | {"xapi_build": build})]
        odd = [make_vm("odd", memory_overhead_bytes=1)] if known else []
        vms = [make_vm("a", vcpus_max=32, memory_overhead_bytes=known or 0), *odd]
        assert counts_xen_vcpu_pages(problem_of(hosts=hosts, vms=vms).pool) is counted


@pytest.mark.parametrize(("total", "free"), [(None, 0), (6, 0), (7, 0), (9, 2)])
def test_host_without_metrics_has_no_memory(total: int | None, free: int) -> None:
    """And one whose Xen takes all of it has none left, but never less than none."""
    assert guest_bytes(make_host("h1", memory_total_bytes=total, memory_overhead_bytes=7 if total else 0)) == free


def test_shadow_memory_is_never_less_than_a_mib() -> None:
    """A VM of 1 MiB with a multiplier of a quarter: a MiB of shadow, one of Xen's own, one inside."""
    tiny = make_vm("web", vcpus_max=1, memory=make_memory(1 / 1024), hvm_shadow_multiplier=0.25)
    assert arrival_overhead(tiny, xen_vcpu_pages=False) == 3 * MIB


@pytest.mark.parametrize("multiplier", [1e12, 1e308, -1e308, float("inf"), float("nan")])
def test_shadow_memory_that_no_host_has_is_a_number_all_the_same(multiplier: float) -> None:
    """A multiplier beyond all measure wants a PiB: such a VM stays where it is, because it fits nowhere else."""
    problem = problem_of(
        hosts=(make_host("h1"), make_host("h2")), vms=[make_vm("web", hvm_shadow_multiplier=multiplier)]
    )
    assert arrival_overhead(problem.pool.vms["web"], xen_vcpu_pages=False) >> 50 == 1
    assert len(admission(problem).objections("web", "h2")) == 1


def test_the_most_shadow_memory_is_reached_from_below_too() -> None:
    """Two MiB times minus half a PiB is beyond all measure as well, to the MiB."""
    tiny = make_vm("web", vcpus_max=1, memory=make_memory(1 / 1024), hvm_shadow_multiplier=-float(1 << 29))
    assert arrival_overhead(tiny, xen_vcpu_pages=False) >> 50 == 1


def test_vm_without_metrics_holds_what_it_may_get() -> None:
    """Nothing is added for what nobody knows."""
    assert safe_bytes(make_vm("web", metrics=None, memory=make_memory(0), memory_overhead_bytes=5)) == 5


@pytest.mark.parametrize(("overhead_mib", "counted_mib"), [(5, 20), (30, 30)])
def test_safety_counts_the_larger_overhead(overhead_mib: int, counted_mib: int) -> None:
    """What xapi stored, or what it will take on arrival."""
    for short, fits in ((0, True), (1, False)):
        problem = with_room(2 * GIB + counted_mib * MIB - short, memory_overhead_bytes=overhead_mib * MIB)
        assert (safety(problem).objections("web", "h2") == ()) is fits
