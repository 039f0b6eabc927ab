"""Moves that a plan does without, as rows for people."""

from __future__ import annotations

from rebalancer.plan import Plan


def what_is_missing(plan: Plan) -> str:
    """What the moves are that *plan* does without."""
    if plan.made_from.undoes:
        return "moves back that are not legal, and that the plan does without"
    return "moves of a better placement that the plan does without"


def missing_rows(plan: Plan) -> list[tuple[str, ...]]:
    """VM, target, rule and words: one row a move."""
    return [(each.vm_name, each.target_name, each.rule, each.words) for each in plan.missing]
