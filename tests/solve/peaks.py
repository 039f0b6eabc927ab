"""Robust demand for tests: problems in which a few VMs of each host peak together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rebalancer.policy import Policy
from rebalancer.problem import Problem


def with_budget(policy: Policy, budget: int) -> Policy:
    """*policy* with so many VMs of a host peaking together."""
    return policy.model_copy(
        update={"demand": policy.demand.model_copy(update={"robust": True, "budget": budget})},
    )


def peaking(problem: Problem, budget: int, *, seed: int) -> Problem:
    """*problem* with a third less to do, and peaks of up to 4 pCPUs in most slots."""
    assert problem.demand is not None
    random = np.random.default_rng(seed)
    shape = problem.demand.vm_pcpu.shape
    peaks = np.round(random.uniform(0, 4, shape) * (random.random(shape) < 0.7), 3)
    usual = np.round(problem.demand.vm_pcpu * 0.7, 3)
    demand = replace(problem.demand, vm_pcpu=usual, vm_deviation_pcpu=peaks)
    return replace(problem, demand=demand, policy=with_budget(problem.policy, budget))
