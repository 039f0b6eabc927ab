"""What the policy asks for, most important first."""

from __future__ import annotations

import numpy as np

from rebalancer.objectives import (
    Balance,
    FailuresLost,
    HostsInUse,
    LastResort,
    LoadCost,
    MigrationCost,
    Objective,
    Peak,
    Repair,
    Spread,
)
from rebalancer.policy import Mode
from rebalancer.solve.instance.instance import Instance


def objectives_of(instance: Instance) -> tuple[Objective, ...]:
    """What the policy's mode asks for, most important first."""
    problem = instance.problem
    overload: tuple[Objective, ...] = () if problem.demand is None else (LoadCost(),)
    spared = (LastResort(),) if problem.intent.last_resort else ()
    if problem.policy.mode is Mode.EVACUATE:
        wishes = (Repair(),) if instance.soft_limits or instance.soft_groups else ()
        return (*spared, MigrationCost(), *wishes, *overload)
    if problem.policy.mode is Mode.REPAIR:
        return (*repairs_of(instance), *spared, MigrationCost(), *overload)
    fewest = (LoadCost(), HostsInUse()) if problem.policy.mode is Mode.CONSOLIDATE else ()
    fixable = frozenset(instance.hosts[host] for host in np.unique(instance.home).tolist())
    known = {"peak": Peak(fixable), "spread": Spread()}
    clean_up = tuple(known[name] for name in dict.fromkeys(problem.policy.objective.clean_up))
    return (*repairs_of(instance), *fewest, Balance(), *clean_up)


def repairs_of(instance: Instance) -> tuple[Objective, ...]:
    """What is mended: rules that are broken, and failures that the pool does not outlive now."""
    lost = instance.failures.unmet(instance.problem.initial)
    return (Repair(), *((FailuresLost(),) if lost else ()))
