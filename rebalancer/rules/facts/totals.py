"""Rows over what all VMs of a host sum up to, one a host, whoever runs there."""

from __future__ import annotations

from collections.abc import Mapping

from rebalancer.inventory import Uuid
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Row, Weights


def total_rows(
    problem: Problem, subject: str, weights: Mapping[Uuid, int], upper: Mapping[Uuid, int], *, hard: bool
) -> tuple[Row, ...]:
    """What the VMs of each host weigh together is at most its *upper*, or what they weigh there before the plan."""
    shared, start = Weights.same(weights), at_the_start(problem, weights)
    return tuple(
        Row(
            subject=subject if hard else f"{subject} (soft)",
            places=frozenset({host}),
            weights=shared,
            upper=upper[host],
            hard=hard,
            start=start[host],
        )
        for host in problem.pool.hosts
    )


def at_the_start(problem: Problem, weights: Mapping[Uuid, int]) -> dict[Uuid, int]:
    """What the VMs of each host weigh before the plan."""
    found = dict.fromkeys(problem.pool.hosts, 0)
    for vm, host in problem.start.host_of.items():
        if host in found:
            found[host] += weights.get(vm, 0)
    return found
