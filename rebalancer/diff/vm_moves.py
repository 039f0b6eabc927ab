"""Which VMs two plans move: only the one, only the other, both to other hosts, or both alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from rebalancer.inventory import Uuid
from rebalancer.plan.plan import Plan
from rebalancer.plan.step import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class VMMoves:
    """The steps of one VM in either plan, at least one of them; a plan that leaves it alone has none."""

    first: tuple[Step, ...]
    second: tuple[Step, ...]

    @property
    def sign(self) -> str:
        """`-` if only the first moves it, `+` if only the second does, `~` if to or over other hosts, `=` if alike."""
        if not self.second:
            return "-"
        if not self.first:
            return "+"
        return "=" if _hosts(self.first) == _hosts(self.second) else "~"

    @property
    def told(self) -> Step:
        """The step that names the VM and the host that it begins on: that of the second plan where there is one."""
        return (*self.second, *self.first)[0]


def vm_moves(first: Plan, second: Plan) -> tuple[VMMoves, ...]:
    """The VMs that either plan moves, those of *first* in its order before those that only *second* moves."""
    one, other = _of_vms(first), _of_vms(second)
    return tuple(VMMoves(first=one.get(vm, ()), second=other.get(vm, ())) for vm in dict.fromkeys((*one, *other)))


def _of_vms(plan: Plan) -> dict[Uuid, tuple[Step, ...]]:
    order = {vm: number for number, vm in enumerate(dict.fromkeys(step.vm for step in plan.steps))}
    steps = sorted(plan.steps, key=lambda step: order[step.vm])
    return {vm: tuple(each) for vm, each in groupby(steps, key=attrgetter("vm"))}


def _hosts(steps: Sequence[Step]) -> list[Uuid]:
    return [steps[0].source, *(step.target for step in steps)]


def way_of(steps: Sequence[Step]) -> str:
    """The hosts that *steps* of one VM lead over, by name."""
    return " -> ".join([steps[0].source_name, *(step.target_name for step in steps)])
