"""VMs that rest: who moved, or failed to, a short while ago stays, unless something hard needs the VM moved."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from rebalancer.errors import Infeasible
from rebalancer.inventory import Uuid
from rebalancer.placement import Placement
from rebalancer.policy import CoolingPolicy, Mode
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Rulebook
from rebalancer.rules.core.ledger import standing_violations
from rebalancer.solve import Budget, Deadline, solve


def resting(problem: Problem, *, but: Collection[Uuid] = ()) -> Problem:
    """*problem* where everybody in the policy's `cooling` stays *but* these; itself where nobody has to.

    Who is on a host that is to be emptied does not stay. Evacuations move others first anyway, and so does mode
    `consolidate` with who moved: VMs that go to and fro as hosts sleep and wake would keep them awake.
    """
    policy = problem.policy
    if policy.mode is Mode.EVACUATE:
        return problem
    cooling = tuple(each if each.vm in but else _staying(each, problem) for each in policy.cooling)
    if cooling == policy.cooling:
        return problem
    wanted = make_problem(problem.pool, problem.demand, policy.model_copy(update={"cooling": cooling}))
    return replace(problem, policy=wanted.policy, intent=wanted.intent)


def with_patience(book: Rulebook, *, but: Collection[Uuid] = ()) -> Rulebook | None:
    """*book* where everybody rests who is `resting`; None where nobody has to."""
    problem = resting(book.problem, but=but)
    return None if problem is book.problem else book.under(problem)


def needed(book: Rulebook, until: Deadline) -> frozenset[Uuid]:
    """Who of the policy's `cooling` moves where as much that is hard is mended as can be, and as few of them move."""
    problem = book.problem
    repair = problem.policy.model_copy(update={"mode": Mode.REPAIR})
    hard = book.under(replace(problem, policy=repair, intent=problem.intent.binding))
    try:
        mended = solve(hard, budget=Budget(repair.limits, until=until)).placement
    except Infeasible:
        return frozenset()
    return frozenset(move.vm for move in problem.initial.moves_to(mended)) & {each.vm for each in repair.cooling}


def hard_breaches(book: Rulebook, placement: Placement) -> int:
    """How much is broken in *placement* that is no mere wish, each limit in its own unit."""
    hard = (bound for bound in book.limits if getattr(bound.limit, "hard", True))
    return sum(each.excess for each in standing_violations(hard, book.problem.pool, placement))


def _staying(each: CoolingPolicy, problem: Problem) -> CoolingPolicy:
    there = each.vm in problem.initial and problem.initial[each.vm] not in problem.intent.empty
    stays = there and (each.failed_at is not None or problem.policy.mode is not Mode.CONSOLIDATE)
    return each.model_copy(update={"stays": True}) if stays else each
