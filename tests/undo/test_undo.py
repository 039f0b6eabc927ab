"""Plans taken back from wherever they stopped: legal, complete, or honest about who stays away."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rebalancer.diff.diff import plan_differences
from rebalancer.errors import InputError, StalePlan, StillMoving
from rebalancer.inventory import Pool, pool_from_records
from rebalancer.order.order import Order, find_order
from rebalancer.placement import Placement, current_placement, current_placement_with_disks
from rebalancer.plan import Plan, sealed
from rebalancer.problem import Problem, pool_at
from rebalancer.rules import Rulebook
from rebalancer.simulator import SimulatedPool
from rebalancer.undo.undo import closure, undo
from rebalancer.verify.verify import verify_plan
from tests.local_disks import carried, local_problem, local_vm
from tests.plan.crossed import PLAN as CROSSING
from tests.plan.made import LATER, goal_of, plan_of, pool_with, swap, tasks
from tests.pools import policy_of, problem_of
from tests.two_pools import one_pool, pool_vm, two_pools
from tests.undo.undone import at, three, whole
from tests.verify.played import Play, cases


def named(plan: Plan, *vms: str) -> list[str]:
    """The steps of some VMs."""
    return [step.id for step in plan.steps if step.vm in vms]


def ways(plan: Plan) -> list[tuple[str, str, str]]:
    """VM, source and target of each step."""
    return [(step.vm, step.source, step.target) for step in plan.steps]


def back(plan: Plan, pool: Pool, done: Sequence[str] = ()) -> Plan:
    """The way back, proven against the state that it starts from."""
    found = undo(plan, pool, made_at=LATER, done=done)
    there = pool_at(pool, found.before)
    assert verify_plan(found, there, now=LATER) == ()
    return found


def test_only_what_was_done_is_taken_back() -> None:
    """Some steps are done, whatever their turn: their VMs go home, the others stay where they are."""
    plan = whole()
    assert ways(back(plan, three().pool, named(plan, "c"))) == [("c", "h3", "h1")]
    assert ways(back(plan, three().pool, named(plan, "b"))) == [("b", "h3", "h2")]
    assert ways(back(plan, at(three().pool, b="h3", a="h2"))) == [("a", "h2", "h1"), ("b", "h3", "h2")]


def test_a_step_counts_with_all_that_it_waits_for() -> None:
    """`a` can only be on h2 if `b` has left it."""
    plan = whole()
    assert closure(plan, named(plan, "a")) == set(named(plan, "a", "b"))
    assert ways(back(plan, three().pool, named(plan, "a"))) == [("a", "h2", "h1"), ("b", "h3", "h2")]
    with pytest.raises(InputError, match="no such step"):
        undo(plan, three().pool, made_at=LATER, done=["s77"])


def test_nothing_done_has_no_way_back() -> None:
    """A plan without steps, which says why; also where a run was taken back already."""
    found = back(whole(), three().pool)
    assert (found.steps, found.missing) == ((), ())
    assert found.summary == f"Nothing to do: every VM is where plan {whole().digest[7:19]} found it."


def test_a_parked_vm_goes_straight_home() -> None:
    """Half-way through a swap one VM is parked: that is all there is to undo."""
    problem = swap()
    plan = plan_of(problem, goal_of(problem, big="h2", small="h1"))
    assert ways(back(plan, problem.pool, ["s01"])) == [("small", "h3", "h2")]
    assert ways(back(plan, problem.pool, ["s03"])) == [
        ("small", "h1", "h3"),
        ("big", "h2", "h1"),
        ("small", "h3", "h2"),
    ]


def test_the_plan_says_what_it_takes_back() -> None:
    """By digest, in its summary and in what it was made from; figures rest on the demand that the plan carried."""
    plan = whole()
    found = back(plan, three().pool, named(plan, "c"))
    assert found.made_from.undoes == plan.digest
    assert found.made_from.metrics == plan.made_from.metrics
    assert found.summary.startswith(f"Takes back plan {plan.digest[7:19]}: 1 step, ")
    assert {step.why for step in found.steps} == {"back to where it was"}
    assert "the second takes the first back" in [each.words for each in plan_differences(plan, found)]
    assert "the first takes the second back" in [each.words for each in plan_differences(found, plan)]


def test_who_may_not_return_is_missing_with_the_rule() -> None:
    """A host was disabled meanwhile: nobody goes back there, and the plan says so."""
    plan, pool = whole(), at(three().pool, b="h3", c="h3")
    closed = replace(pool, hosts={**pool.hosts, "h1": replace(pool.hosts["h1"], enabled=False)})
    found = back(plan, closed)
    assert ways(found) == [("b", "h3", "h2")]
    assert [(each.vm_name, each.target_name, each.rule) for each in found.missing] == [("c", "h1", "target-enabled")]
    assert found.outcome == "incomplete"
    assert " but for 1 VM: " in found.summary
    none = back(plan, replace(closed, hosts={**closed.hosts, "h2": replace(closed.hosts["h2"], enabled=False)}))
    assert none.summary.startswith("Nothing can be done: 0 of 2 VMs go back")


def test_what_others_took_is_missing() -> None:
    """Somebody started a VM on h2 since: `b` finds no room there any more."""
    pool = at(three().pool, b="h3")
    other = at(pool_with({"h1": 10, "h2": 10, "h3": 20}, {"new": ("h2", 6)}), new="h2").vms["new"]
    found = back(whole(), replace(pool, vms={**pool.vms, "new": other}))
    assert [(each.vm, each.rule) for each in found.missing] == [("b", "enough-memory")]
    assert found.load is None


def test_what_others_moved_stays() -> None:
    """A VM that is where no step led it is not touched; nor is one that does not run any more."""
    found = back(whole(), at(three().pool, a="h3"))
    assert found.steps == ()
    assert any("VM a is on h3, and not as the plan left it" in each for each in found.warnings)
    pool = at(three().pool, b="h3")
    halted = replace(pool.vms["c"], resident_on=None, power_state=type(pool.vms["c"].power_state)("Halted"))
    found = back(whole(), replace(pool, vms={**pool.vms, "c": halted}))
    assert ways(found) == [("b", "h3", "h2")]
    assert any("VM c does not run here any more" in each for each in found.warnings)


def test_wishes_do_not_bar_the_way_back_and_are_told() -> None:
    """What the plan mended breaks again: legal, with a warning; a bound on moves does not hold it."""
    pool = pool_with({"h1": 20, "h2": 10}, {"a": ("h1", 4), "b": ("h1", 4)})
    apart = policy_of(apart=[{"name": "pair", "vms": ["a", "b"]}], limits={"maximum_moves": 0})
    plan = plan_of(problem_of(pool, policy=apart), goal_of(problem_of(pool), b="h2"))
    found = back(plan, pool, ["s01"])
    assert ways(found) == [("b", "h2", "h1")]
    assert any("gives up a wish that held before" in each and "[keep-apart]" in each for each in found.warnings)


def test_a_vm_that_never_moves_is_not_parked_on_the_way_back() -> None:
    """And one that was forbidden to move since stays where it is, with the rule."""
    pool = pool_with({"h1": 10, "h2": 10}, {"a": ("h1", 4)})
    plan = plan_of(problem_of(pool), goal_of(problem_of(pool), a="h2"))
    there = at(pool, a="h2")
    tagged = replace(there, vms={"a": replace(there.vms["a"], tags=("rebalancer:never-move",))})
    assert [(each.vm, each.rule) for each in back(plan, tagged).missing] == [("a", "never-move")]


def test_nothing_is_taken_back_while_a_vm_is_on_its_way() -> None:
    """Nobody knows yet where it ends."""
    pool = three().pool
    moving = replace(pool, vms={**pool.vms, "a": replace(pool.vms["a"], current_operations=("pool_migrate",))})
    with pytest.raises(StillMoving, match=r"not at rest: VM a is on its way\. Wait until that is over"):
        undo(whole(), moving, made_at=LATER)


def test_another_pool_is_refused() -> None:
    """By its name."""
    with pytest.raises(StalePlan, match="the plan is for pool"):
        undo(whole(), replace(three().pool, uuid="other"), made_at=LATER)


def test_disks_come_home() -> None:
    """A VM that took its disk along brings it back to the SR that it came from."""
    problem = local_problem(local_vm("a"), local_vm("b", on=2))
    goal = problem.initial.after(carried("a"))
    plan = plan_of(problem, goal)
    found = back(plan, problem.pool, ["s01"])
    assert [(disk.source, disk.target) for step in found.steps for disk in step.disks] == [("l2", "l1")]
    end = current_placement_with_disks(pool_at(problem.pool, found.predicted))
    assert end.srs_of == problem.initial.srs_of


def test_who_went_to_another_pool_comes_home() -> None:
    """Its disks have other drives there, and the same names; so do those that moved inside their pools."""
    guest = pool_vm("a", on="w1")
    copy = replace(guest, vbds=tuple(replace(drive, uuid=f"new-{drive.uuid}") for drive in guest.vbds))
    there = two_pools(one_pool("e", pool_vm("b", on="e2")), one_pool("w", pool_vm("c", on="w1"), copy)).pool
    found = undo(CROSSING, there, made_at=LATER)
    assert ways(found) == [("b", "e2", "e1"), ("a", "w1", "e1")]
    assert verify_plan(found, there, now=LATER) == ()


def test_a_lie_about_what_is_taken_back_shows_in_the_summary() -> None:
    """A plan that claims to be a way back, so that wishes do not bind it, says so in the sentence that people read."""
    plan = whole()
    lie = sealed(replace(plan, made_from=replace(plan.made_from, undoes="sha256:" + "0" * 64)))
    assert {finding.rule for finding in verify_plan(lie, three().pool, now=LATER)} == {"words"}


def down_closed(plan: Plan, chance: random.Random) -> frozenset[str]:
    """The steps that are done when a run stops somewhere."""
    return closure(plan, chance.sample([step.id for step in plan.steps], chance.randint(0, len(plan.steps))))


@given(tasks(), st.integers(0, 999))
def test_every_down_closed_set_has_a_way_back(task: tuple[Problem, Placement], seed: int) -> None:
    """Proven by the checker, to the very placement that the plan found, but for those that are listed."""
    problem, goal = task
    assume(isinstance(find_order(Rulebook.of(problem), goal, seed=1), Order))
    plan = plan_of(problem, goal)
    found = back(plan, problem.pool, sorted(down_closed(plan, random.Random(seed))))
    missing = {each.vm for each in found.missing}
    end = found.predicted.host_of
    assert {vm: host for vm, host in end.items() if vm not in missing} == {
        vm: host for vm, host in problem.initial.host_of.items() if vm not in missing
    }
    assert all(each.rule != "does-not-pay" for each in found.missing)


@given(cases(), st.integers(0, 999))
def test_the_simulator_accepts_the_way_there_and_back(
    case: tuple[SimulatedPool, Problem, Placement], seed: int
) -> None:
    """A run of several steps at once stops anywhere; what the pool shows then is taken back, in any order allowed."""
    pool, problem, goal = case
    assume(isinstance(find_order(Rulebook.of(problem), goal, seed=1), Order))
    plan, chance = plan_of(problem, goal), random.Random(seed)
    there = Play(pool, problem)
    there.some(plan, down_closed(plan, chance), chance)
    stopped = pool_from_records({each: there.world.database.all(each) for each in pool.records})
    found = undo(plan, stopped, made_at=LATER)
    assert verify_plan(found, stopped, now=LATER) == ()
    there.turn_round(found, stopped)
    there.to_the_end(found, chance)
    ended = pool_from_records({each: there.world.database.all(each) for each in pool.records})
    away = {each.vm for each in found.missing}
    was, now = problem.initial.host_of, current_placement(ended).host_of
    assert {vm for vm in was if was[vm] != now[vm]} == away
