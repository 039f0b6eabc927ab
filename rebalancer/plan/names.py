"""What things were called when a plan was made."""

from __future__ import annotations

from rebalancer.inventory import Uuid
from rebalancer.plan.plan import Plan


def names_of(plan: Plan) -> dict[Uuid, str]:
    """The names that *plan* kept, by uuid; those of its rows, where a version wrote it that kept no others."""
    return names_of_rows(plan) if plan.made_from.names is None else dict(plan.made_from.names)


def names_of_rows(plan: Plan) -> dict[Uuid, str]:
    """What the rows of *plan* call pools, hosts, VMs, SRs and disks, by uuid."""
    names = plan.made_from.pool_names
    names |= {row.uuid: row.name for row in plan.hosts} | {row.uuid: row.name for row in plan.srs}
    names |= {each.uuid: each.name for each in (*plan.left_alone, *plan.no_way_back)}
    names |= {each.uuid: each.name for each in plan.held}
    names |= {each.vm: each.vm_name for each in plan.missing}
    names |= {step.vm: step.vm_name for step in (*plan.steps, *plan.rollback)}
    return names | {disk.disk: disk.name for step in plan.steps for disk in step.disks}
