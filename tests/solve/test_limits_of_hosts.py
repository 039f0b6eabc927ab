"""Ceilings on load, VMs and vCPUs: the best placement under them by brute force, and what they leave no way for."""

from __future__ import annotations

import random
from typing import Any

import pytest

from rebalancer.errors import Infeasible, MetricsRefused
from rebalancer.objectives import LoadCost, MigrationCost, Repair
from rebalancer.placement import Placement
from rebalancer.policy import Mode, policy_digest
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Rulebook
from rebalancer.solve import Outcome, solve
from rebalancer.solve.instance.instance import instance_of
from tests.solve.tiny import BALANCING, SLOTS, accepted_by_checker, accepted_by_model, best, random_problem, tiny

HOT = {"a": (7.0,) * SLOTS, "b": (7.0,) * SLOTS, "c": (5.0,) * SLOTS, "d": (5.0,) * SLOTS}
HOMES = {"a": ("h1", 2.0), "b": ("h1", 2.0), "c": ("h2", 2.0), "d": ("h3", 2.0)}
ANY_GAIN = {"minimum_gain_pcpu_hours": 0, "solve_seconds": 20}


def limited(seed: int, mode: Mode = Mode.BALANCE) -> Problem:
    """A pool of `random_problem` with limits of every host, hard and soft, some of them broken tonight."""
    problem, chance = random_problem(seed), random.Random(seed + 1000)
    limits = {
        **problem.policy.limits.model_dump(exclude_unset=True),
        "host_load": {"cpu": chance.choice([0.4, 0.6, 0.8, 1.0])},
        "vms_per_host": {"at_most": chance.choice([1, 2, 3]), "hard": chance.random() < 0.5},
        "vcpus_per_pcpu": {"at_most": chance.choice([0.125, 0.25, 0.4]), "hard": chance.random() < 0.5},
    }
    empty = ("h2",) if mode is Mode.EVACUATE else problem.policy.empty
    policy = problem.policy.model_validate(
        problem.policy.model_dump(exclude_unset=True) | {"limits": limits, "mode": mode, "empty": empty}
    )
    return make_problem(problem.pool, problem.demand, policy)


@pytest.mark.parametrize("seed", range(20))
def test_model_accepts_what_the_checker_accepts(seed: int) -> None:
    """All limits at once, beside rules of every other kind."""
    assert accepted_by_model(limited(seed)) == accepted_by_checker(limited(seed))


@pytest.mark.parametrize("seed", range(20))
def test_balancing_is_the_best_that_the_limits_allow(seed: int) -> None:
    """Fewest breaches, then least cost, as brute force over everything that rules accept; bounds are proven for it."""
    problem = limited(seed)
    solution = solve(Rulebook.of(problem))
    assert [tier.after for tier in solution.tiers] == pytest.approx(best(problem, BALANCING), abs=1e-9)
    assert all(tier.proved and tier.bound <= tier.after for tier in solution.tiers)


@pytest.mark.parametrize("seed", range(12))
def test_repair_is_the_best_that_the_limits_allow(seed: int) -> None:
    """Whatever is above a limit tonight is mended as far as it can be."""
    problem = limited(seed, Mode.REPAIR)
    solution = solve(Rulebook.of(problem))
    wanted = best(problem, (Repair(), MigrationCost(), LoadCost()))
    assert [tier.after for tier in solution.tiers] == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("seed", range(12))
def test_consolidation_keeps_them(seed: int) -> None:
    """No host is filled further than it may be, and the hosts in use are no more than brute force leaves."""
    problem = limited(seed, Mode.CONSOLIDATE)
    solution = solve(Rulebook.of(problem))
    accepted = accepted_by_checker(problem)
    assert tuple(solution.placement[vm] for vm in problem.initial) in accepted
    repaired, cost, fewest = (tier.after for tier in solution.tiers[:3])
    ends = [Placement(dict(zip(problem.initial, hosts, strict=True))) for hosts in accepted]
    book = Rulebook.of(problem)
    alike = [each for each in ends if Repair().value(each, book) == repaired]
    cheap = [each for each in alike if LoadCost().value(each, book) <= cost + 1e-9]
    always = set(problem.pool.coordinators)
    assert fewest == min(len({*each.host_of.values()} | always) for each in cheap)


@pytest.mark.parametrize("seed", range(20))
def test_evacuation_copies_the_least_that_the_limits_allow(seed: int) -> None:
    """Where no placement empties the host below all ceilings, none is claimed."""
    problem = limited(seed, Mode.EVACUATE)
    copied = [
        MigrationCost().value(goal, Rulebook.of(problem))
        for hosts in accepted_by_checker(problem)
        for goal in [Placement(dict(zip(problem.initial, hosts, strict=True)))]
        if "h2" not in hosts
    ]
    if not copied:
        with pytest.raises(Infeasible):
            solve(Rulebook.of(problem))
        return
    solution = solve(Rulebook.of(problem))
    tier = next(each for each in solution.tiers if each.objective == "migration-cost")
    assert tier.after == pytest.approx(min(copied))
    assert tier.proved


def test_a_host_above_its_ceiling_is_relieved_first() -> None:
    """14 of 16 pCPUs at a ceiling of 12.8: one VM goes to one of the others, which then have 12, below it."""
    problem = tiny(HOMES, load=HOT, limits=ANY_GAIN | {"host_load": {"cpu": 0.8}}, objective={"pcpu_hours_per_gib": 99})
    solution = solve(Rulebook.of(problem))
    assert solution.outcome is Outcome.IMPROVED
    repair = solution.tiers[0]
    assert (repair.objective, repair.before, repair.after) == ("repair", 4 * 2, 0)


def test_a_ceiling_holds_back_what_would_be_cheaper() -> None:
    """Nobody may take a VM of 7 at 70 %: 11.2 pCPUs are the most, and 12 would be. It stays, and is still broken."""
    pool: dict[str, Any] = {"load": HOT, "never_move": ["c", "d"]}
    problem = tiny(HOMES, limits=ANY_GAIN | {"host_load": {"cpu": 0.7}}, **pool)
    solution = solve(Rulebook.of(problem))
    assert solution.placement.host_of == problem.initial.host_of
    assert solution.outcome is Outcome.NOTHING_BETTER
    assert solve(Rulebook.of(tiny(HOMES, limits=ANY_GAIN, **pool))).outcome is Outcome.IMPROVED


def test_an_evacuation_goes_where_the_ceiling_lets_it() -> None:
    """a and b, of 7, leave h1. At 76 % one fits beside each 5; at 75 %, exactly 12 of 16, too; at 74 % none does."""
    for cpu in (0.76, 0.75):
        problem = tiny(HOMES, load=HOT, mode="evacuate", empty=["h1"], limits={"host_load": {"cpu": cpu}})
        assert sorted(solve(Rulebook.of(problem)).placement.host_of.values()) == ["h2", "h2", "h3", "h3"]
    tight = tiny(HOMES, load=HOT, mode="evacuate", empty=["h1"], limits={"host_load": {"cpu": 0.74}})
    with pytest.raises(Infeasible) as caught:
        solve(Rulebook.of(tight))
    assert caught.value.blame == ("rule host-load excludes every placement; without it there is one",)
    assert [[each.where for each in fix.concessions] for fix in caught.value.fixes] == [["limits.host_load"]]


@pytest.mark.parametrize(
    ("limits", "rule", "where"),
    [
        ({"vms_per_host": {"at_most": 1}}, "vms-per-host", "limits.vms_per_host"),
        ({"vcpus_per_pcpu": {"at_most": 0.125}}, "vcpus-per-pcpu", "limits.vcpus_per_pcpu"),
    ],
)
def test_an_evacuation_that_a_number_prevents_names_it(limits: dict[str, Any], rule: str, where: str) -> None:
    """h2 and h3 have their one VM, or its two vCPUs, already; that the limit is given up is the way out."""
    problem = tiny(HOMES, mode="evacuate", empty=["h1"], limits=limits)
    with pytest.raises(Infeasible) as caught:
        solve(Rulebook.of(problem))
    assert caught.value.blame == (f"rule {rule} excludes every placement; without it there is one",)
    assert where in {each.where for fix in caught.value.fixes for each in fix.concessions}


def test_soft_numbers_are_kept_where_that_costs_nothing() -> None:
    """An evacuation spreads its VMs; as a wish two on one host would have been allowed, too."""
    limits = {"vms_per_host": {"at_most": 2, "hard": False}}
    problem = tiny(HOMES, mode="evacuate", empty=["h1"], limits=limits)
    solution = solve(Rulebook.of(problem))
    assert sorted(solution.placement.host_of.values()) == ["h2", "h2", "h3", "h3"]
    assert [(tier.objective, tier.after) for tier in solution.tiers] == [("migration-cost", 4), ("repair", 0)]


@pytest.mark.parametrize("mode", ["repair", "evacuate"])
def test_a_ceiling_on_load_needs_metrics_in_every_mode(mode: str) -> None:
    """What is not known is not taken for nothing; numbers of VMs need none."""
    empty = ["h1"] if mode == "evacuate" else []
    with pytest.raises(MetricsRefused, match=r"limits\.host_load"):
        solve(Rulebook.of(tiny(HOMES, mode=mode, empty=empty, limits={"host_load": {"cpu": 0.9}})))
    solve(Rulebook.of(tiny(HOMES, mode=mode, empty=empty, limits={"vms_per_host": {"at_most": 9}})))


def test_a_policy_without_these_keys_keeps_its_digest_and_its_plans() -> None:
    """Plans write them down only where they are given."""
    plain, with_limit = (tiny(HOMES, limits=limits).policy for limits in ({}, {"vms_per_host": {"at_most": 3}}))
    assert plain.spelled_out().given()["limits"].keys().isdisjoint({"host_load", "vms_per_host", "vcpus_per_pcpu"})
    assert with_limit.spelled_out().given()["limits"]["vms_per_host"] == {"at_most": 3, "hard": True}
    assert policy_digest(plain.spelled_out()) != policy_digest(with_limit.spelled_out())


@pytest.mark.parametrize("mode", [Mode.BALANCE, Mode.REPAIR, Mode.EVACUATE])
@pytest.mark.parametrize("seed", range(8))
def test_ceilings_that_models_state_late_hold_all_the_same(
    seed: int, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in large pools: a model states a slot of a host once an answer was above it; what comes of it is as good."""
    problem = limited(seed, mode)
    try:
        usual = solve(Rulebook.of(problem))
    except Infeasible:
        monkeypatch.setattr("rebalancer.solve.instance.rows.STATED_TERMS", 0)
        with pytest.raises(Infeasible):
            solve(Rulebook.of(problem))
        return
    monkeypatch.setattr("rebalancer.solve.instance.rows.STATED_TERMS", 0)
    late = solve(Rulebook.of(problem))
    assert tuple(late.placement[vm] for vm in problem.initial) in accepted_by_checker(problem)
    assert [tier.after for tier in late.tiers] == pytest.approx([tier.after for tier in usual.tiers], abs=1e-9)
    assert all(tier.bound <= tier.after + 1e-9 for tier in late.tiers)


def test_models_state_few_ceilings_of_large_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only hosts that are near theirs at first; one that an answer exceeds is stated from then on."""
    monkeypatch.setattr("rebalancer.solve.instance.rows.STATED_TERMS", 0)
    instance = instance_of(Rulebook.of(tiny(HOMES, load=HOT, limits={"host_load": {"cpu": 0.9}})))
    lazy = instance.lazy.families
    assert instance.stated[lazy].sum(axis=0).tolist() == [SLOTS, 0, 0]
    there = instance.home.copy()
    there[:3] = 1
    assert not instance.keeps_lazy(there)
    assert instance.stated[lazy].sum(axis=0).tolist() == [SLOTS, SLOTS, 0]
    assert instance.keeps_lazy(instance.home)
