"""What a plan predicts that a host uses of its CPUs at an hour, once some of its steps are done."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from rebalancer.inventory import Uuid
from rebalancer.plan import Plan


def predicted_pcpu(plan: Plan, host: Uuid, done: Collection[str], moment: datetime) -> float | None:
    """pCPUs, dom0 included, in the slot of *moment*; None where the plan carries no load of *host*.

    Of recorded days it is that of the day on which the host uses most at this hour.
    """
    load, metrics = plan.load, plan.made_from.metrics
    if load is None or metrics is None or host in {each.uuid for each in load.refused}:
        return None
    there = {**plan.before.host_of, **{step.vm: step.target for step in plan.steps if step.id in done}}
    fixed = next((curve.pcpu for curve in load.hosts if curve.uuid == host), None)
    if fixed is None:
        return None
    coming = [curve.pcpu for curve in load.vms if there.get(curve.uuid) == host]
    return max(fixed[slot] + sum(pcpu[slot] for pcpu in coming) for slot in metrics.when.like(moment))
