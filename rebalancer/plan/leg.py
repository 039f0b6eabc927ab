"""A migration of an order that no step carries out yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rebalancer.inventory import Uuid
from rebalancer.placement import DiskMove, Move
from rebalancer.plan.step import Step, StepKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One migration of an order, with the disks that go along; a hop does not end where its VM is to end."""

    vm: Uuid
    source: Uuid
    target: Uuid
    hop: bool
    disks: tuple[DiskMove, ...] = ()

    @property
    def move(self) -> Move:
        """The same without the name."""
        return Move(vm=self.vm, source=self.source, target=self.target, disks=self.disks)


def legs_of(steps: Sequence[Step]) -> tuple[Leg, ...]:
    """*steps* as migrations, in their order."""
    return tuple(
        Leg(
            vm=step.vm,
            source=step.source,
            target=step.target,
            hop=step.kind is StepKind.HOP,
            disks=step.move.disks,
        )
        for step in steps
    )
