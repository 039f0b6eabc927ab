"""The VMs of each host: who stays, who leaves, who comes, and who is parked there on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rebalancer.plan import HostRow, Plan, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedHost:
    """A host: how many VMs stay, and the steps by which others leave, come, or are parked."""

    row: HostRow
    stays: int
    leaves: tuple[Step, ...]
    comes: tuple[Step, ...]


def placed_hosts(plan: Plan) -> Iterator[PlacedHost]:
    """Each host, in the order of the plan."""
    for row in plan.hosts:
        yield PlacedHost(
            row=row,
            stays=len({*row.before.vms} & {*row.after.vms} - {step.vm for step in plan.steps}),
            leaves=tuple(step for step in plan.steps if step.source == row.uuid),
            comes=tuple(step for step in plan.steps if step.target == row.uuid),
        )
