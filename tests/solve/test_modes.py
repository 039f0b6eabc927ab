"""Repair and evacuation, with and without metrics, and what is said where they are impossible."""

from __future__ import annotations

from typing import Any

import pytest

from rebalancer.errors import Infeasible, MetricsRefused
from rebalancer.objectives import LoadCost, MigrationCost, Repair
from rebalancer.placement import Placement
from rebalancer.policy import Mode
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Rulebook
from rebalancer.solve import Outcome, solve
from tests.solve.tiny import accepted_by_checker, best, random_problem, tiny

VMS = {"a": ("h1", 8.0), "b": ("h1", 4.0), "c": ("h2", 8.0), "d": ("h3", 4.0)}
FOUR = dict.fromkeys(("h1", "h2", "h3", "h4"), 32.0)
EVACUATE: dict[str, Any] = {"mode": "evacuate", "empty": ["h1"]}


def test_balance_needs_metrics() -> None:
    """Without a load profile there is nothing to balance, and the error says what can be planned instead."""
    with pytest.raises(MetricsRefused, match='mode = "repair" or "evacuate"'):
        solve(Rulebook.of(tiny(VMS)))


def test_evacuation_empties_the_host_without_metrics() -> None:
    """All VMs leave, nobody else moves, and the GiB are proved to be the fewest."""
    solution = solve(Rulebook.of(tiny(VMS, **EVACUATE)))
    assert solution.outcome is Outcome.EVACUATED
    assert "h1" not in solution.placement.host_of.values()
    assert [(tier.objective, tier.after, tier.proved) for tier in solution.tiers] == [("migration-cost", 12, True)]


def test_evacuation_spares_the_hot_host() -> None:
    """Of all placements that copy as little, the one with the least overload."""
    load = {"c": (11.0,) * 4, "a": (4.0,) * 4, "b": (4.0,) * 4}
    solution = solve(Rulebook.of(tiny(VMS, load=load, **EVACUATE)))
    assert solution.placement["a"] == solution.placement["b"] == "h3"
    assert [tier.objective for tier in solution.tiers] == ["migration-cost", "load-cost"]


def test_evacuation_keeps_soft_groups_where_that_costs_nothing() -> None:
    """a leaves h1 for the host where its soft group has nobody; b, apart from nobody, is free."""
    wish = {"name": "g", "vms": ["a", "c"], "hard": False}
    solution = solve(Rulebook.of(tiny(VMS, apart=[wish], **EVACUATE)))
    assert solution.placement["a"] == "h3"
    assert [(tier.objective, tier.after) for tier in solution.tiers] == [("migration-cost", 12), ("repair", 0)]


def test_a_soft_group_gives_way_to_a_hard_rule() -> None:
    """With room on one host only, the evacuation puts both there, counts the breach, and proves it the fewest."""
    wish = {"name": "g", "vms": ["a", "c"], "hard": False}
    hosts = {"h1": 32.0, "h2": 32.0, "h3": 6.0}
    solution = solve(Rulebook.of(tiny(VMS, hosts=hosts, apart=[wish], **EVACUATE)))
    assert solution.placement["a"] == solution.placement["c"] == "h2"
    assert [(tier.objective, tier.after, tier.proved) for tier in solution.tiers][1] == ("repair", 1, True)


def test_soft_groups_are_repaired_first() -> None:
    """A soft wish that is broken tonight is worth a move that no overload asks for."""
    wish = {"name": "g", "vms": ["c"], "hosts": ["h1"], "hard": False}
    solution = solve(Rulebook.of(tiny(VMS, run_on=[wish], mode="repair")))
    assert solution.outcome is Outcome.REPAIRED
    assert solution.placement["c"] == "h1"


def test_evacuation_moves_third_vms_where_it_has_to() -> None:
    """c has to make room on h2 for a, because h3 is too small for a."""
    hosts = {"h1": 32.0, "h2": 13.0, "h3": 13.0}
    vms = {"a": ("h1", 12.0), "c": ("h2", 4.0), "d": ("h3", 4.0)}
    solution = solve(Rulebook.of(tiny(vms, hosts=hosts, **EVACUATE)))
    assert solution.placement["a"] in {"h2", "h3"}
    assert solution.tiers[0].after == 16


def test_an_empty_host_needs_no_evacuation() -> None:
    """Nothing is to be done, and that is proved."""
    assert solve(Rulebook.of(tiny({"c": ("h2", 8.0)}, **EVACUATE))).outcome is Outcome.NOTHING_BETTER


@pytest.mark.parametrize("mode", ["evacuate", "repair"])
def test_where_nothing_has_to_move_staying_is_proved(mode: str) -> None:
    """A hot host stays hot where no GiB may be spent on it, and the overload is said to be the best that there is."""
    solution = solve(
        Rulebook.of(tiny(VMS, load={"a": (11 + 1 / 3,) * 4, "b": (10 / 7,) * 4}, mode=mode, empty=["h4"], hosts=FOUR))
    )
    assert solution.outcome is Outcome.NOTHING_BETTER
    overload = solution.tiers[-1]
    assert (overload.objective, overload.proved) == ("load-cost", True)
    assert overload.before == overload.after == overload.bound > 0


def test_evacuation_that_a_vm_prevents_says_which_and_why() -> None:
    """The VM, the host and the rule stand in the error."""
    with pytest.raises(Infeasible, match=r"VM 'a' cannot leave host 'h1': op-not-blocked"):
        solve(Rulebook.of(tiny(VMS, held=["a"], **EVACUATE)))


def test_evacuation_for_which_memory_is_short_blames_memory() -> None:
    """Without the memory rule there would be a placement; no other rule is named."""
    with pytest.raises(Infeasible) as caught:
        solve(Rulebook.of(tiny(VMS, hosts={"h1": 13.0, "h2": 9.0, "h3": 5.0}, **EVACUATE)))
    rules = "rules enough-memory and memory-safety exclude every placement; without them there is one"
    assert caught.value.blame == (rules,)


def test_repair_mends_what_it_can_without_metrics() -> None:
    """VMs that should be apart are parted, with the fewest GiB."""
    solution = solve(Rulebook.of(tiny(VMS, mode="repair", apart=[{"name": "g", "vms": ["a", "b"]}])))
    assert solution.outcome is Outcome.REPAIRED
    assert [(tier.objective, tier.after) for tier in solution.tiers] == [("repair", 0), ("migration-cost", 4)]


def test_repair_with_nothing_broken_moves_nobody() -> None:
    """That nothing is better is proved."""
    problem = tiny(VMS, mode="repair", load={"a": (15.0,) * 4})
    solution = solve(Rulebook.of(problem))
    assert solution.outcome is Outcome.NOTHING_BETTER
    assert solution.placement.host_of == problem.initial.host_of


def test_an_overfull_host_does_not_block_the_rest() -> None:
    """A host that has too little memory tonight takes nobody; others are balanced all the same."""
    hosts = {"h1": 32.0, "h2": 4.0, "h3": 32.0}
    vms = {"a": ("h1", 8.0), "b": ("h1", 4.0), "c": ("h2", 8.0)}
    load = {"a": (8.0,) * 4, "b": (8.0,) * 4}
    solution = solve(Rulebook.of(tiny(vms, hosts=hosts, load=load, never_move=["c"])))
    assert solution.outcome is Outcome.IMPROVED
    assert solution.placement["b"] == "h3"


def test_an_empty_pool_has_nothing_better() -> None:
    """No VM, no moves, no failure."""
    assert solve(Rulebook.of(tiny({}, load={}))).outcome is Outcome.NOTHING_BETTER


def in_mode(problem: Problem, mode: Mode, *, empty: tuple[str, ...] = ()) -> Problem:
    """*problem*, to be repaired only, or to empty hosts."""
    policy = problem.policy.model_copy(update={"mode": mode, "empty": empty})
    return make_problem(problem.pool, problem.demand, policy)


@pytest.mark.parametrize("seed", range(20))
def test_repair_is_the_best_of_all_placements(seed: int) -> None:
    """Fewest breaches, then least copied, then least overload, as brute force over everything that rules accept."""
    problem = in_mode(random_problem(seed), Mode.REPAIR)
    solution = solve(Rulebook.of(problem))
    wanted = best(problem, (Repair(), MigrationCost(), LoadCost()))
    assert [tier.after for tier in solution.tiers] == pytest.approx(wanted, abs=1e-6)
    assert all(tier.proved and tier.bound <= tier.after + 1e-6 for tier in solution.tiers)


@pytest.mark.parametrize("seed", range(20))
def test_evacuation_copies_the_least_of_all_placements_that_empty_the_host(seed: int) -> None:
    """Third VMs make room where they have to; where no placement empties the host, none is claimed."""
    problem = in_mode(random_problem(seed), Mode.EVACUATE, empty=("h2",))
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
    assert "h2" not in solution.placement.host_of.values()


@pytest.mark.parametrize("seed", range(20))
def test_evacuation_finds_its_answer_also_where_raising_the_bound_found_none(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search that proves first ends without a placement; the one after it has the same answer, proved."""
    problem = in_mode(random_problem(seed), Mode.EVACUATE, empty=("h2",))
    try:
        usual = solve(Rulebook.of(problem))
    except Infeasible:
        monkeypatch.setattr("rebalancer.solve.search.full_model.PROOF_SHARE", 0.0)
        with pytest.raises(Infeasible):
            solve(Rulebook.of(problem))
        return
    monkeypatch.setattr("rebalancer.solve.search.full_model.PROOF_SHARE", 0.0)
    again = solve(Rulebook.of(problem))
    assert [tier.proved for tier in again.tiers] == [tier.proved for tier in usual.tiers]
    assert [tier.after for tier in again.tiers] == pytest.approx([tier.after for tier in usual.tiers])
