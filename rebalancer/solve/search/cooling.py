"""Hosts brought below the policy's ceiling on load, shift by shift: quick where models of so many slots are large."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rebalancer.objectives.load import pcpus_at
from rebalancer.solve.instance.evaluate import LevelsOfOne, LoadLevels, load_of
from rebalancer.solve.instance.instance import Ints
from rebalancer.solve.model.tier import TierProblem
from rebalancer.solve.search.local_search import Descent, local_search


def cooled(tier: TierProblem, start: Ints, *, most: float) -> Descent:
    """*start* after shifts that lower what hosts use above the ceiling; *start* itself where no breach is mended.

    Args:
        tier: about repairs.
        start: the host of every unit.
        most: the work that it may take.
    """
    problem, instance = tier.instance.problem, tier.instance
    wanted = problem.policy.limits.host_load
    if wanted is None or wanted.cpu is None or problem.demand is None or not len(instance.units):
        return Descent(at=start, work=0.0)
    limits = instance.resolution.limit_parts(pcpus_at(wanted.cpu, problem)[instance.columns])
    cpu = LevelsOfOne(columns=slice(0, problem.demand.slots), limits=limits[None, :, None], steps=np.ones(1))
    if not (load_of(instance, start)[:, cpu.columns] > limits[:, None]).any():
        return Descent(at=start, work=0.0)
    descent = local_search(tier, start, LoadLevels(resources=(cpu,)), most=most)
    better = tier.evaluate(descent.at)[1] < tier.evaluate(start)[1]
    return descent if better else replace(descent, at=start)
