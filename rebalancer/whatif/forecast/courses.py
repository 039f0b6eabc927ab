"""CPU and memory of a pool day by day, and what is their limit."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from rebalancer.problem import Problem
from rebalancer.units import gib
from rebalancer.whatif.forecast.runway import ResourceDays

CPU_MEANS = "busiest hour of the day; above the limit, no placement keeps all hosts below the threshold"
MEMORY_MEANS = "memory of VMs at night, of what hosts have for them"

Night = tuple[datetime, float, float]
"""When it began, with a zone; bytes that VMs held; bytes that hosts had for them."""


def cpu_course(problem: Problem, days: tuple[date, ...], peaks: NDArray[np.float64]) -> ResourceDays:
    """The busiest hour of each of *days*, in pCPUs, against the policy's threshold of all hosts together."""
    capacity = sum(own_capacity(problem, host) for host in problem.pool.hosts)
    return ResourceDays(
        resource="cpu",
        unit="pCPUs",
        first=days[0] if days else date.min,
        daily=peaks,
        limit=capacity * problem.policy.objective.threshold,
        means=CPU_MEANS,
    )


def own_capacity(problem: Problem, host: str) -> float:
    """pCPUs of a host that plans count on, of its own speed."""
    here = problem.pool.hosts[host]
    return problem.cpu_capacity(here) / problem.pcpu_worth(here)


def memory_course(nights: Iterable[Night]) -> ResourceDays | None:
    """The memory of VMs on the last of *nights* of each day, oldest night first; None where there is none."""
    told = sorted(nights)
    if not told:
        return None
    used = {began.astimezone(UTC).date(): held for began, held, _ in told}
    first, last = min(used), max(used)
    daily = np.full((last - first).days + 1, np.nan)
    for day, held in used.items():
        daily[(day - first).days] = gib(held)
    return ResourceDays(
        resource="memory", unit="GiB", first=first, daily=daily, limit=gib(told[-1][2]), means=MEMORY_MEANS
    )
