"""A pool whose hot VMs would rather stay."""

from __future__ import annotations

from dataclasses import replace

from rebalancer.policy import intent_of
from rebalancer.problem import Problem

HOT = {"a": (7.0,) * 4, "b": (8.0, 2.0, 8.0, 2.0), "c": (1.0,) * 4}
"""On one host of 16 pCPUs: 8 pCPU-hours above the threshold of 12."""
ON_H1 = {"a": ("h1", 8.0), "b": ("h1", 2.0), "c": ("h1", 4.0)}
ANY_GAIN = {"minimum_gain_pcpu_hours": 0}


def reluctant(problem: Problem, *names: str, price: float = 1.0) -> Problem:
    """*problem* with *names* as last resorts."""
    objective = problem.policy.objective.model_copy(update={"pcpu_hours_per_last_resort": price})
    policy = problem.policy.model_copy(update={"last_resort": names, "objective": objective})
    return replace(problem, policy=policy, intent=intent_of(policy, problem.pool))
