"""What the policy asks for, most important first."""

from __future__ import annotations

import numpy as np

from rebalancer.objectives import (
    Balance,
    FailuresLost,
    HostsInUse,
    LastResort,
    Level,
    LoadCost,
    LowerPeak,
    MigrationCost,
    Objective,
    Peak,
    Repair,
    Spread,
)
from rebalancer.policy import Mode, Priority
from rebalancer.solve.instance.instance import Instance


def objectives_of(instance: Instance) -> tuple[Objective, ...]:
    """What the policy's mode and priority ask for, most important first."""
    mode, priority = instance.problem.policy.mode, instance.problem.policy.objective.priority
    spared = (LastResort(),) if instance.problem.intent.last_resort else ()
    if mode is Mode.CONSOLIDATE:
        return (*repairs_of(instance), LoadCost(), HostsInUse(), Balance(), *_clean_up(instance))
    if mode is Mode.BALANCE:
        usual = Priority.SUM if priority is Priority.MODE else priority
        first = spared if usual is Priority.GIB else ()
        return (*repairs_of(instance), *first, *_weighed(instance, usual), *_clean_up(instance))
    usual = Priority.GIB if priority is Priority.MODE else priority
    if mode is Mode.REPAIR:
        return (*repairs_of(instance), *spared, *_weighed(instance, usual))
    wishes = (Repair(),) if instance.soft_limits or instance.soft_groups else ()
    weighed, paid = _weighed(instance, usual), 1 if usual is Priority.GIB else None
    # Wishes are kept where that costs nothing: no GiB, and where load counts for more than them no load.
    return (*spared, *weighed[:paid], *wishes, *(weighed[paid:] if paid else ()))


def _weighed(instance: Instance, priority: Priority) -> tuple[Objective, ...]:
    """Load and what moves cost, in the order that *priority* wants; without metrics there is no load."""
    if instance.problem.demand is None:
        return (MigrationCost(),)
    orders: dict[Priority, tuple[Objective, ...]] = {
        Priority.GIB: (MigrationCost(), LoadCost()),
        Priority.LOAD: (LoadCost(), Balance()),
        Priority.SUM: (Balance(),),
    }
    return orders[priority]


def _clean_up(instance: Instance) -> tuple[Objective, ...]:
    """What is levelled for GiB, and what is improved afterwards for nothing."""
    fixable = frozenset(instance.hosts[host] for host in np.unique(instance.home).tolist())
    wanted = instance.problem.policy.objective
    paid = (*((Level(),) if wanted.level else ()), *((LowerPeak(fixable),) if wanted.lower_peak else ()))
    known = {"peak": Peak(fixable), "spread": Spread()}
    return (*paid, *(known[name] for name in dict.fromkeys(wanted.clean_up)))


def repairs_of(instance: Instance) -> tuple[Objective, ...]:
    """What is mended: rules that are broken, and failures that the pool does not outlive now."""
    lost = instance.failures.unmet(instance.problem.initial)
    return (Repair(), *((FailuresLost(),) if lost else ()))
