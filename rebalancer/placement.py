"""Where VMs are: a placement, the moves between two placements, and what is held while a VM is on its way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rebalancer.inventory import Pool, Uuid


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Move:
    """A VM that goes from one host to another."""

    vm: Uuid
    source: Uuid
    target: Uuid


@dataclass(frozen=True, slots=True)
class Placement:
    """The host of every guest that occupies one: `host_of[vm]`."""

    host_of: Mapping[Uuid, Uuid]

    def __getitem__(self, vm: Uuid) -> Uuid:
        """The host of *vm*."""
        return self.host_of[vm]

    def __iter__(self) -> Iterator[Uuid]:
        """All VMs, in the order of the mapping."""
        return iter(self.host_of)

    def __len__(self) -> int:
        """How many VMs are placed."""
        return len(self.host_of)

    def after(self, *moves: Move) -> Placement:
        """The placement once *moves* are done.

        Raises:
            ValueError: a move starts where its VM is not.
        """
        changed = dict(self.host_of)
        for move in moves:
            if changed[move.vm] != move.source:
                raise ValueError(f"VM {move.vm} is on {changed[move.vm]}, not on {move.source}")
            changed[move.vm] = move.target
        return Placement(changed)

    def moves_to(self, goal: Placement) -> tuple[Move, ...]:
        """The moves that turn this placement into *goal*, sorted by VM."""
        return tuple(
            Move(vm=vm, source=host, target=goal[vm]) for vm, host in sorted(self.host_of.items()) if goal[vm] != host
        )

    def vms_by_host(self) -> dict[Uuid, list[Uuid]]:
        """The VMs of every host that has one."""
        found: dict[Uuid, list[Uuid]] = {}
        for vm, host in self.host_of.items():
            found.setdefault(host, []).append(vm)
        return found


def current_placement(pool: Pool) -> Placement:
    """Where the guests of *pool* are now: every guest that occupies a host, movable or not, sorted by uuid."""
    return Placement({vm.uuid: vm.resident_on for vm in pool.resident_guests() if vm.resident_on is not None})
