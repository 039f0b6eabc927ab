"""What units pay for leaving home, by the prices of the policy."""

from __future__ import annotations

import numpy as np

from rebalancer.objectives.outlay import price_per_gib
from rebalancer.solve.instance.evaluate import part_of_pcpu_hour
from rebalancer.solve.instance.instance import Floats, Instance
from rebalancer.units import GIB


def outlay_of_units(instance: Instance) -> Floats:
    """What each unit pays on each host, in pCPU-hours, shape (units, hosts); 0 at home."""
    policy, everybody = instance.problem.policy, np.arange(len(instance.units))
    reluctant = instance.problem.intent.last_resort.keys()
    last = np.array([len(reluctant & set(members)) for members in instance.units], dtype=np.int64)
    moves = instance.moves.on_hosts(everybody)
    paid: Floats = (
        instance.copied.on_hosts(everybody) / GIB * price_per_gib(policy)
        + moves * policy.objective.pcpu_hours_per_move
        + (moves > 0) * last[:, None] * policy.objective.pcpu_hours_per_last_resort
    )
    return paid


def tolls(instance: Instance) -> Floats:
    """What each unit pays on each host, in the unit in which `load_levels` counts, shape (units, hosts)."""
    counted: Floats = outlay_of_units(instance) / part_of_pcpu_hour(instance)
    return counted
