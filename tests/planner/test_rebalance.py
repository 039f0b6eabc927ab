"""The whole way: solve, order, back to the solver where no order exists, and the same bytes every time."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from rebalancer.errors import NoLegalOrder
from rebalancer.export import plan_json
from rebalancer.inventory import pool_from_records
from rebalancer.placement import Placement
from rebalancer.plan import sealed
from rebalancer.planner.rebalance import ROUNDS, rebalance
from rebalancer.policy import Policy
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Rulebook
from rebalancer.simulator import generate_pool
from rebalancer.solve import WORK_PER_SECOND, Budget, Solution
from rebalancer.verify.verify import verify_plan
from rebalancer.version import __version__
from tests.plan.made import LATER, MADE_AT, demand_of, goal_of, pool_with, swap
from tests.planner.busy import PLAN, dropped, retargeted, reversed_, swapped
from tests.planner.insists import Insists
from tests.pools import policy_of, problem_of

ROOT = Path(__file__).resolve().parents[2]


def hot() -> Problem:
    """A host over its threshold, and room elsewhere."""
    pool = pool_with({"h1": 20, "h2": 20, "h3": 20}, {"a": ("h1", 4), "b": ("h1", 4), "c": ("h2", 4)})
    return problem_of(pool, demand=demand_of(pool, {"a": 8.0, "b": 8.0, "c": 2.0}))


def test_a_hot_host_is_relieved_by_a_plan_that_verifies() -> None:
    """From a problem to an accepted plan in one call, with a proven bound."""
    plan = rebalance(Rulebook.of(hot()), made_at=MADE_AT)
    assert len(plan.steps) == 1
    assert plan.steps[0].why.startswith("relieves h1")
    assert all(tier.proved for tier in plan.tiers)
    assert verify_plan(plan, hot().pool, now=LATER) == ()


def test_the_second_plan_has_no_steps_and_says_why() -> None:
    """Planned again from where the first plan leads, there is nothing to do, in words."""
    problem = hot()
    first = rebalance(Rulebook.of(problem), made_at=MADE_AT)
    vms = {
        uuid: replace(vm, resident_on=first.predicted.host_of.get(uuid, vm.resident_on))
        for uuid, vm in problem.pool.vms.items()
    }
    second = rebalance(
        Rulebook.of(make_problem(replace(problem.pool, vms=vms), problem.demand, problem.policy)), made_at=LATER
    )
    assert second.steps == ()
    assert second.summary.startswith("Nothing to do: ")
    assert second.reason


def test_the_same_input_gives_the_same_bytes() -> None:
    """Two runs in one process."""
    assert plan_json(rebalance(Rulebook.of(hot()), made_at=MADE_AT)) == plan_json(
        rebalance(Rulebook.of(hot()), made_at=MADE_AT)
    )


def test_another_process_gives_the_same_bytes() -> None:
    """Another interpreter, with its own hash seed."""
    script = (
        "import sys; from tests.planner.test_rebalance import hot, MADE_AT;"
        "from rebalancer.planner.rebalance import rebalance; from rebalancer.rules import Rulebook;"
        "from rebalancer.export import plan_json;"
        "sys.stdout.write(plan_json(rebalance(Rulebook.of(hot()), made_at=MADE_AT)))"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == plan_json(rebalance(Rulebook.of(hot()), made_at=MADE_AT))


def locked() -> Problem:
    """A swap with nowhere to park."""
    return problem_of(pool_with({"h1": 20, "h2": 20, "h3": 3}, {"big": ("h1", 12), "small": ("h2", 10)}))


def swapped_hosts(problem: Problem) -> Placement:
    """Each VM on the other's host."""
    return goal_of(problem, big="h2", small="h1")


def test_moves_without_an_order_go_back_to_the_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    """The solver hears which moves may not all be made, and its next answer is taken."""
    solver = Insists(locked(), swapped_hosts(locked()), yields=True)
    monkeypatch.setattr("rebalancer.planner.rebalance.solve", solver)
    plan = rebalance(Rulebook.of(locked()), made_at=MADE_AT)
    assert plan.steps == ()
    assert [len(forbidden) for forbidden in solver.asked] == [0, 1]
    assert {move.vm for move in solver.asked[1][0]} == {"big"}


def test_a_solver_that_insists_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a bounded number of rounds the error names the VMs and the rules."""
    solver = Insists(locked(), swapped_hosts(locked()))
    monkeypatch.setattr("rebalancer.planner.rebalance.solve", solver)
    with pytest.raises(NoLegalOrder, match="no legal order for moving big: each waits for enough-memory"):
        rebalance(Rulebook.of(locked()), made_at=MADE_AT)
    assert len(solver.asked) == ROUNDS


def test_the_clock_ends_no_search_for_an_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Although the wall clock is over, another placement is asked for where nothing found so far has an order."""
    solver = Insists(locked(), swapped_hosts(locked()), yields=True)
    monkeypatch.setattr("rebalancer.planner.rebalance.solve", solver)
    assert rebalance(Rulebook.of(locked()), made_at=MADE_AT, most_seconds=0.0).steps == ()
    assert len(solver.asked) == 2


def test_all_placements_together_have_three_times_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none has an order, no more are asked for once that is spent; the last one has what is left."""
    solver = Insists(locked(), swapped_hosts(locked()))
    given = list[float]()

    def spending(book: Rulebook, *, budget: Budget, **asked: Any) -> Solution:  # noqa: ANN401 - handed on
        given.append(budget.share(1.0).deterministic)
        budget.spend(0.8 * WORK_PER_SECOND * locked().policy.limits.solve_seconds)
        return solver(book, budget=budget, **asked)

    monkeypatch.setattr("rebalancer.planner.rebalance.solve", spending)
    with pytest.raises(NoLegalOrder):
        rebalance(Rulebook.of(locked()), made_at=MADE_AT)
    assert given == pytest.approx([15.0, 15.0, 15.0, 9.0])


def test_a_hop_is_planned_where_the_solver_wants_a_swap(monkeypatch: pytest.MonkeyPatch) -> None:
    """The goal is kept: parking is the order's business, not the solver's."""
    monkeypatch.setattr("rebalancer.planner.rebalance.solve", Insists(swap(), swapped_hosts(swap()), yields=True))
    plan = rebalance(Rulebook.of(swap()), made_at=MADE_AT)
    assert [step.kind.value for step in plan.steps] == ["hop", "move", "move"]
    assert plan.warnings == ("made without metrics: load was not looked at",)


def test_parking_counts_against_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Moves of 22 GiB fit a limit of 25, but with the hop 32 would be copied: the solver has to find something else."""
    tight = problem_of(swap().pool, policy=policy_of(limits={"maximum_gib": 25}))
    solver = Insists(tight, swapped_hosts(tight), yields=True)
    monkeypatch.setattr("rebalancer.planner.rebalance.solve", solver)
    assert rebalance(Rulebook.of(tight), made_at=MADE_AT).steps == ()
    assert len(solver.asked) == 2


def test_a_real_pool_is_evacuated(shared_data: Callable[[str], Path]) -> None:
    """A pool in XAPI's own records: one host is emptied by a plan that verifies."""
    recorded = json.loads(gzip.decompress(shared_data("xapi-verdicts/healthy.json.gz").read_bytes()))
    pool = pool_from_records(recorded["records"])
    host = next(iter(pool.hosts.values()))
    policy = Policy.model_validate({"mode": "evacuate", "empty": [host.uuid]})
    plan = rebalance(Rulebook.of(make_problem(pool, None, policy)), made_at=MADE_AT)
    assert plan.steps
    assert next(row for row in plan.hosts if row.uuid == host.uuid).after.vms == ()
    assert verify_plan(plan, pool, now=LATER) == ()


def test_verifying_does_not_load_the_solver() -> None:
    """Showing and verifying start fast and run where ortools is not installed."""
    script = "import sys, rebalancer.plan, rebalancer.verify.verify, rebalancer.export; print('ortools' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_evacuation_and_wishes_are_in_the_policy_of_the_plan() -> None:
    """The plan carries the policy whole."""
    policy = policy_of(name="tonight")
    plan = rebalance(Rulebook.of(make_problem(hot().pool, hot().demand, policy)), made_at=MADE_AT)
    assert plan.policy == policy


def generated() -> Problem:
    """A pool like those that people have, with hot hosts and groups to part."""
    pool = pool_from_records(generate_pool(hosts=6, vms=60, seed=4, days=1).records)
    heavy = {vm.uuid: 4.0 for number, vm in enumerate(pool.resident_guests()) if number % 3 == 0}
    return make_problem(pool, demand_of(pool, heavy), Policy())


def test_every_single_edit_of_a_solved_plan_is_refused() -> None:
    """Every step dropped, turned round, led elsewhere or swapped, with the digest computed again: all are refused."""
    problem = generated()
    plan = rebalance(Rulebook.of(problem), made_at=MADE_AT)
    assert len(plan.steps) >= 4
    edits = [*dropped(plan), *reversed_(plan), *retargeted(plan), *swapped(plan)]
    accepted = [name for name, edit in edits if not verify_plan(sealed(edit), problem.pool, now=LATER)]
    assert accepted == []
    assert verify_plan(plan, problem.pool, problem.demand, now=LATER) == ()


def test_a_plan_names_the_versions_that_made_it() -> None:
    """Our own as the package states it, under whatever name it is installed."""
    others = {name: version(name) for name in ("ortools", "networkx", "numpy")}
    assert PLAN.made_from.versions == {"rebalancer": __version__, **others}
