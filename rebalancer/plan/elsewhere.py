"""The same pool with its guests somewhere else: what rules are asked about a state that is not there yet."""

from __future__ import annotations

from dataclasses import replace

from rebalancer.inventory import Pool
from rebalancer.placement import Placement
from rebalancer.problem import Problem


def pool_at(pool: Pool, placement: Placement) -> Pool:
    """*pool* once its guests are where *placement* says."""
    moved = {
        vm: replace(pool.vms[vm], resident_on=host)
        for vm, host in placement.host_of.items()
        if pool.vms[vm].resident_on != host
    }
    return replace(pool, vms={**pool.vms, **moved}) if moved else pool


def problem_at(problem: Problem, placement: Placement) -> Problem:
    """*problem* as it stands once its guests are where *placement* says."""
    return replace(problem, pool=pool_at(problem.pool, placement), initial=placement)
