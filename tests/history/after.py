"""A run that moved one of two busy VMs away, and load of the days after it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np

from rebalancer.demand import LoadProfile, Series
from rebalancer.history.checking import Carried
from rebalancer.placement import Placement
from rebalancer.plan import Plan
from rebalancer.problem import pool_at
from tests.plan.made import MADE_AT, demand_of, goal_of, plan_of
from tests.pools import make_host, make_pool, make_vm, problem_of

PCPUS = 16
POOL = make_pool(hosts=[make_host("h1"), make_host("h2")], vms=[make_vm("a"), make_vm("b"), make_vm("c", on="h2")])
ENDED = MADE_AT + timedelta(minutes=20)
HOUR = timedelta(hours=1)


def planned() -> Plan:
    """Moves a away from b: each of the two is predicted to use 9 pCPUs at 14:00, and 0.9 at any other hour."""
    problem = problem_of(POOL, demand=demand_of(POOL, {"a": 9.0, "b": 9.0, "c": 1.0}))
    return plan_of(problem, goal_of(problem, a="h2"))


def measured(hours: int, **pcpu: float) -> LoadProfile:
    """A week up to *hours* after the run in which each VM used so many *pcpu* all the time, and dom0 half a pCPU."""
    end = MADE_AT.replace(minute=0) + (hours + 1) * HOUR
    rows = np.array([[pcpu[vm]] * 168 for vm in "abc"])
    made = demand_of(POOL, pcpu)
    series = Series(vm_pcpu=rows, host_base_pcpu=np.full((2, 168), 0.5))
    return replace(made, vms=("a", "b", "c"), series=series, window_start=end - 168 * HOUR, window_end=end)


def carried(*done: str) -> Carried:
    """The run of that plan."""
    return Carried(plan=planned(), done=done or ("s01",), ended_at=ENDED)


AFTER = pool_at(POOL, Placement({"a": "h2", "b": "h1", "c": "h2"}))
