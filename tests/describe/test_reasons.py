"""Reasons: every move has one that is true, and so has every VM that stays on a hot host."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rebalancer.describe.figures import load_shares
from rebalancer.describe.reasons import Reasons
from rebalancer.describe.step_figures import figures_of
from rebalancer.placement import Migration, Placement
from rebalancer.plan import Plan
from rebalancer.rules import Rulebook
from tests.plan.made import demand_of, goal_of, plan_of, pool_with, swap
from tests.pools import policy_of, problem_of


def why(plan: Plan) -> dict[str, str]:
    """The reason for each VM's last step."""
    return {step.vm: step.why for step in plan.steps}


def test_a_hot_host_is_named_with_its_share_and_hour() -> None:
    """12.5 pCPUs of 16, the threshold being 12, at two in the afternoon; 3 of them go where half of one was used."""
    pool = pool_with({"h1": 20, "h2": 20}, {"a": ("h1", 4), "b": ("h1", 4)})
    problem = problem_of(pool, demand=demand_of(pool, {"a": 9.0, "b": 3.0}))
    plan = plan_of(problem, goal_of(problem, b="h2"))
    words = "relieves h1 of 19%: 78% -> 59% of its CPU at 14:00 UTC (threshold 75%), h2 3% -> 22%"
    assert why(plan) == {"b": f"{words}; the only host that may take it"}
    overload = "Overload (above 75%): 0.5 pCPU-hours on 1 host before, none after."
    assert plan.summary.endswith(f"Busiest host-hour: 78% before, 59% after. {overload}")


def test_vms_that_are_to_be_apart_are_named() -> None:
    """The reason says whom the VM parts from, in which group."""
    pool = pool_with({"h1": 20, "h2": 20}, {"web-1": ("h1", 4), "web-2": ("h1", 4)})
    policy = policy_of(apart=[{"name": "web", "vms": ["web-1", "web-2"]}])
    problem = problem_of(pool, policy=policy)
    plan = plan_of(problem, goal_of(problem, **{"web-2": "h2"}))
    assert why(plan)["web-2"].startswith("separates it from web-1: VMs of group 'web' on one host")
    assert [each.mended for each in plan.old_violations] == [True]
    assert plan.old_violations[0].words.endswith("on h1: web-1, web-2")


def test_vms_that_belong_together_are_named() -> None:
    """The reason says whom the VM comes to."""
    pool = pool_with({"h1": 20, "h2": 20}, {"app": ("h1", 4), "db": ("h2", 4)})
    policy = policy_of(together=[{"name": "shop", "vms": ["app", "db"]}])
    problem = problem_of(pool, policy=policy)
    plan = plan_of(problem, goal_of(problem, db="h1"))
    assert why(plan)["db"].startswith("brings it together with app: group 'shop'")


def test_a_host_that_is_emptied_is_named() -> None:
    """With who wanted it; where the plan is for nothing else, that is enough."""
    pool = pool_with({"h1": 20, "h2": 20}, {"a": ("h1", 4)})
    for mode, words in (("repair", "empties h1: policy empty 'h1'"), ("evacuate", "empties h1")):
        problem = problem_of(pool, policy=policy_of(mode=mode, empty=["h1"]))
        assert why(plan_of(problem, goal_of(problem, a="h2")))["a"] == words


def test_a_vm_that_makes_room_says_for_whom() -> None:
    """A third VM moves so that another can come."""
    pool = pool_with({"h1": 20, "h2": 12, "h3": 20}, {"hot": ("h1", 8), "small": ("h2", 8)})
    problem = problem_of(pool)
    reasons = why(plan_of(problem, goal_of(problem, hot="h2", small="h3")))
    assert reasons["small"] == "makes room on h2 for hot"


def test_a_hop_says_that_it_is_one() -> None:
    """Parking and going on have their own words."""
    problem = swap()
    plan = plan_of(problem, goal_of(problem, big="h2", small="h1"))
    assert plan.steps[0].why == "parked on h3: every order of the moves alone would block itself"
    assert plan.steps[2].why == "goes on from h3, where it was parked"
    assert plan.summary.startswith("3 steps, 1 of them to park a VM, 32.0 GiB to copy")


def test_vms_on_a_host_that_stays_hot_say_what_holds_them() -> None:
    """One is pinned by the policy, one has a blocked operation, one could go but does not pay."""
    pool = pool_with({"h1": 20, "h2": 20}, {"kept": ("h1", 2), "held": ("h1", 2), "free": ("h1", 2)})
    held = replace(pool.vms["held"], blocked_operations={"pool_migrate": "licence dongle"})
    pool = replace(pool, vms={**pool.vms, "held": held})
    demand = demand_of(pool, {"kept": 6.0, "held": 6.0, "free": 6.0})
    problem = problem_of(pool, demand=demand, policy=policy_of(never_move=["kept"]))
    left = {(each.kind, each.name): each for each in plan_of(problem, problem.initial).left_alone}
    assert left["host", "h1"].words == "stays at 154% of its threshold at 14:00 UTC, with 3 VMs"
    assert left["vm", "kept"].rule == "never-move"
    assert left["vm", "held"].rule == "op-not-blocked"
    assert left["vm", "free"].rule == "does-not-pay"


def test_what_was_not_looked_into_is_not_said_to_be_of_no_use() -> None:
    """Where time ran out, a VM that could go is said not to be proved, with where it did; its mending, too."""
    pool = pool_with({"h1": 20, "h2": 20}, {"free": ("h1", 2), "other": ("h1", 2)})
    policy = policy_of(apart=[{"name": "g", "vms": ["free", "other"]}])
    problem = problem_of(pool, demand=demand_of(pool, {"free": 9.0, "other": 9.0}), policy=policy)
    reasons = Reasons(Rulebook.of(problem), problem.initial, unfinished=("repair", "balance"))
    told = "no better plan with that move was found; not proved: time ran out in repair and balance"
    left = {each.name: each for each in reasons.left_alone() if each.kind == "vm"}
    assert {each.rule for each in left.values()} == {"not-proved"}
    assert all(each.words == f"may go to 1 host, but {told}" for each in left.values())
    (old,) = reasons.old_violations()
    assert told in old.why_not
    assert "[not-proved]" in old.why_not


def test_who_comes_to_a_host_that_stays_hot_was_not_left_alone() -> None:
    """The host counts who came; only who was there and stays is listed."""
    pool = pool_with({"h1": 20, "h2": 20}, {"comes": ("h1", 2), "stays": ("h2", 2)})
    problem = problem_of(pool, demand=demand_of(pool, {"comes": 6.0, "stays": 12.0}))
    host, vm = plan_of(problem, goal_of(problem, comes="h2")).left_alone
    assert host.words.endswith("with 2 VMs, 1 of them new")
    assert vm.name == "stays"


def test_a_vm_that_no_host_may_take_names_the_rule() -> None:
    """Every other host refuses it: by which rule, and how many do."""
    pool = pool_with({"h1": 20, "h2": 20, "h3": 20}, {"a": ("h1", 2)})
    hosts = {name: replace(host, enabled=name == "h1") for name, host in pool.hosts.items()}
    pool = replace(pool, hosts=hosts)
    problem = problem_of(pool, demand=demand_of(pool, {"a": 15.0}))
    (_, vm) = plan_of(problem, problem.initial).left_alone
    assert vm.rule == "target-enabled"
    assert vm.words.startswith("no other host may take it; 2 of 2 because: ")


def test_an_old_violation_that_stays_says_why() -> None:
    """Two VMs that should be apart, neither of which may move."""
    pool = pool_with({"h1": 20, "h2": 20}, {"web-1": ("h1", 4), "web-2": ("h1", 4)})
    policy = policy_of(apart=[{"name": "web", "vms": ["web-1", "web-2"]}], never_move=["web-1", "web-2"])
    problem = problem_of(pool, policy=policy)
    (old,) = plan_of(problem, problem.initial).old_violations
    assert not old.mended
    assert old.why_not.endswith("[never-move]")
    assert "web-1, web-2" in old.why_not


def test_a_soft_group_that_becomes_worse_is_said_to() -> None:
    """Two of a soft group share a host; a plan that brings a third does not claim to ease it."""
    pool = pool_with({"h1": 20, "h2": 20}, {"a": ("h1", 4), "b": ("h1", 4), "c": ("h2", 4)})
    policy = policy_of(apart=[{"name": "g", "vms": ["a", "b", "c"], "hard": False}])
    problem = problem_of(pool, policy=policy)
    (old,) = plan_of(problem, goal_of(problem, c="h1")).old_violations
    why = "the plan breaks it further, to repair more elsewhere or to empty a host"
    assert (old.mended, old.why_not) == (False, why)
    assert "'g' (soft)" in old.words


def test_whose_move_the_limits_leave_no_room_for_is_told() -> None:
    """One of two VMs moves, as many as the policy allows; the other could go, too, and is not said to be no use."""
    pool = pool_with({"h1": 40, "h2": 40}, {"a": ("h1", 4), "b": ("h1", 4), "c": ("h1", 4)})
    policy = policy_of(limits={"maximum_moves": 1})
    problem = problem_of(pool, demand=demand_of(pool, {"a": 9.0, "b": 9.0, "c": 9.0}), policy=policy)
    left = {each.name: each for each in plan_of(problem, goal_of(problem, a="h2")).left_alone if each.kind == "vm"}
    assert left["b"].rule == "limits"
    assert left["b"].words.endswith("as its limits allow; with that move 2 VMs move, where the policy allows 1")


def test_a_gain_that_the_policy_does_not_ask_for_is_told() -> None:
    """Moving the VM would help, by less than the policy wants a plan to gain."""
    pool = pool_with({"h1": 40, "h2": 40}, {"a": ("h1", 4), "b": ("h1", 4)})
    policy = policy_of(limits={"minimum_gain_pcpu_hours": 50})
    problem = problem_of(pool, demand=demand_of(pool, {"a": 9.0, "b": 9.0}), policy=policy)
    left = {each.name: each for each in plan_of(problem, problem.initial).left_alone if each.kind == "vm"}
    assert left["a"].rule == "does-not-pay"
    assert "gain as many pCPU-hours as the policy asks for (limits.minimum_gain_pcpu_hours, 50)" in left["a"].words


def crowded() -> Rulebook:
    """Three VMs of 4, 3 and 2 pCPUs on one of four hosts of 16; the others carry 0.5, 0.5 and 4.5."""
    pool = pool_with(
        {"h1": 30, "h2": 30, "h3": 30, "h4": 30},
        {"a": ("h1", 2), "b": ("h1", 2), "c": ("h1", 2), "rest": ("h1", 2), "busy": ("h4", 2)},
    )
    demand = demand_of(pool, {"a": 4.0, "b": 3.0, "c": 2.0, "rest": 6.0, "busy": 4.0})
    return Rulebook.of(problem_of(pool, demand=demand))


def moves_of(*moves: tuple[str, str]) -> list[Migration]:
    """From h1 to hosts."""
    return [Migration(vm=vm, source="h1", target=target) for vm, target in moves]


def test_every_step_tells_what_it_changes_in_turn() -> None:
    """Each begins where the one before it ended, so that reasons differ where steps do, and figures add up."""
    book = crowded()
    moves = moves_of(("a", "h2"), ("b", "h3"), ("c", "h4"))
    goal = Placement({**book.problem.initial.host_of, "a": "h2", "b": "h3", "c": "h4"})
    found = [each for each in figures_of(moves, book, hot=[True] * 3) if each]
    assert [each.source[0] for each in found[1:]] == [each.source[1] for each in found[:-1]]
    assert [round(each.eased * 16, 3) for each in found] == [4.0, 3.0, 2.0]
    ends = dict(zip(book.problem.pool.hosts, load_shares(book.problem, goal)[:, found[0].slot], strict=True))
    assert [each.target[1] for each in found] == pytest.approx([ends["h2"], ends["h3"], ends["h4"]])
    assert len(set(Reasons(book, goal).of(moves))) == 3


def test_a_target_is_the_least_loaded_or_one_of_some() -> None:
    """Of those that may take the VM, with it there; equal ones are both the least loaded."""
    book = crowded()
    chosen = {
        host: next(each.choice for each in figures_of(moves_of(("a", host)), book, hot=[True]) if each)
        for host in ("h2", "h3", "h4")
    }
    least = "the least loaded of 3 hosts that may take it"
    assert chosen == {"h2": least, "h3": least, "h4": "one of 3 hosts that may take it"}


def test_without_metrics_there_are_no_figures() -> None:
    """Nor for a VM that is parked: it does not stay where it is."""
    book = Rulebook.of(swap())
    hop = Migration(vm="small", source="h2", target="h3", hop=True)
    assert list(figures_of([hop], book, hot=[False])) == [None]
    measured = crowded()
    hop = Migration(vm="a", source="h1", target="h2", hop=True)
    assert list(figures_of([hop], measured, hot=[False])) == [None]
