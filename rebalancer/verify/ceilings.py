"""A second opinion on `limits.host_load`: loads summed as objectives sum them, step by step, without rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from rebalancer.objectives.load import counted_hosts, cpu_capacities, demand_of, usual_load
from rebalancer.plan.finding import Finding, FindingKind
from rebalancer.plan.step import Step
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.slots import Slots
from rebalancer.verify.figures import DEMAND_TOLERANCE

HOST_LOAD = "host-load"


def too_hot(steps: Sequence[Step], book: Rulebook) -> Iterator[Finding]:
    """Steps that bring a host above the policy's ceiling, or further above it than before the plan.

    A VM on its way counts on both hosts. Steps that do not start where their VM is are left to others, and pools with
    VMs or hosts that the load profile does not know to the rule.
    """
    problem = book.problem
    wanted = problem.policy.limits.host_load
    bound = any(rule.id == HOST_LOAD for rule in book.rules)
    if bound and wanted is not None and wanted.cpu is not None and _is_known(problem):
        yield from _of_cpu(steps, problem, wanted.cpu)


def _is_known(problem: Problem) -> bool:
    profile = problem.demand
    return profile is not None and {*problem.initial} <= {*profile.vms} and {*problem.pool.hosts} <= {*profile.hosts}


def _of_cpu(steps: Sequence[Step], problem: Problem, ceiling: float) -> Iterator[Finding]:
    profile, load = demand_of(problem), usual_load(problem.initial, problem)
    demand = dict(zip(profile.vms, profile.vm_pcpu, strict=True))
    capacity = cpu_capacities(problem)
    most = np.maximum((ceiling * capacity)[:, None], usual_load(problem.start, problem))
    most[~counted_hosts(problem)] = np.inf
    column = {host: number for number, host in enumerate(problem.pool.hosts)}
    where, state = dict(problem.initial.host_of), "at the start"
    for step in steps:
        if where.get(step.vm) == step.source and step.target in column:
            target = column[step.target]
            load[target] += demand[step.vm]
            above = load[target] - most[target]
            if (demand[step.vm] > 0)[above > DEMAND_TOLERANCE].any():
                share = load[target] / capacity[target] if capacity[target] else load[target]
                told = _words(above, share, ceiling, profile.when)
                words = f"{step.vm_name} to {problem.names.hosts[step.target]}: {told}"
                yield Finding(kind=FindingKind.ILLEGAL, step=step.id, state=state, rule=HOST_LOAD, words=words)
            load[column[step.source]] -= demand[step.vm]
            where[step.vm] = step.target
        state = f"after {step.id}"


def _words(above: NDArray[np.float64], share: NDArray[np.float64], ceiling: float, slots: Slots) -> str:
    slot = int(above.argmax())
    return f"its CPU load is {share[slot]:.1%} at {slots.words(slot)}, at most {ceiling:.1%}"
