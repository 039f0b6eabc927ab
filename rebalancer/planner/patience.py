"""Patience with VMs whose moves failed: they stay while they are left alone, unless a hard rule needs them moved."""

from __future__ import annotations

from dataclasses import replace

from rebalancer.placement import Placement
from rebalancer.policy import CoolingPolicy, Mode
from rebalancer.problem import make_problem
from rebalancer.rules import Rulebook
from rebalancer.rules.core.ledger import standing_violations


def with_patience(book: Rulebook) -> Rulebook | None:
    """*book* where everybody stays whose move failed a short while ago; None where nobody has to.

    Who is on a host that is to be emptied does not stay. Evacuations move others first anyway.
    """
    problem, policy = book.problem, book.problem.policy
    if policy.mode is Mode.EVACUATE:
        return None
    cooling = tuple(_staying(each, book) for each in policy.cooling)
    if cooling == policy.cooling:
        return None
    wanted = make_problem(problem.pool, problem.demand, policy.model_copy(update={"cooling": cooling}))
    return book.under(replace(problem, policy=wanted.policy, intent=wanted.intent))


def hard_breaches(book: Rulebook, placement: Placement) -> int:
    """How much is broken in *placement* that is no mere wish, each limit in its own unit."""
    hard = (bound for bound in book.limits if getattr(bound.limit, "hard", True))
    return sum(each.excess for each in standing_violations(hard, book.problem.pool, placement))


def _staying(each: CoolingPolicy, book: Rulebook) -> CoolingPolicy:
    problem = book.problem
    failed = each.failed_at is not None and each.vm in problem.initial
    stays = failed and problem.initial[each.vm] not in problem.intent.empty
    return each.model_copy(update={"stays": True}) if stays else each
