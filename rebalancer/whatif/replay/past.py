"""What was really done in the nights that are replayed: where VMs were then, and the moves that were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from rebalancer.inventory import Pool, Uuid
from rebalancer.placement import Placement, current_placement, disks_of
from rebalancer.policy import Policy
from rebalancer.whatif.replay.night import Decision, Night

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeMove:
    """A VM that has moved, and when it was seen on its new host."""

    at: datetime
    vm: Uuid
    source: Uuid
    target: Uuid


def pool_before(pool: Pool, moves: Sequence[MadeMove]) -> Pool:
    """*pool* as it was before *moves*, the earliest first: each VM on the host that its first move left.

    A VM stays where it is now if that host is gone, or does not see its disks as they lie now.
    """
    came_from = {move.vm: move.source for move in reversed(moves)}
    back = _possible(pool, came_from)
    return replace(pool, vms={**pool.vms, **{vm: replace(pool.vms[vm], resident_on=host) for vm, host in back.items()}})


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedOut:
    """The moves that were really made, each at the midnight, UTC, before it."""

    policy: Policy
    moves: tuple[MadeMove, ...] = field(repr=False)
    name: str = "carried out"

    def decide(self, night: Night) -> Decision:
        """Where VMs were after the moves of that day."""
        arrived = {move.vm: move.target for move in self.moves if night.at <= move.at < night.at + DAY}
        now, possible = current_placement(night.pool), _possible(night.pool, arrived)
        return Decision(placement=Placement({**now.host_of, **possible}, now.srs_of), words="as it was")


def _possible(pool: Pool, host_of: Mapping[Uuid, Uuid]) -> dict[Uuid, Uuid]:
    """Those VMs of *host_of* that *pool* has, on hosts that see their disks, unless they are there already."""
    guests = {vm.uuid: vm for vm in pool.resident_guests()}
    return {
        vm: host
        for vm, host in host_of.items()
        if vm in guests
        and host in pool.hosts
        and guests[vm].resident_on != host
        and {disk.sr for _, disk in disks_of(guests[vm], pool)} <= pool.hosts[host].attached_srs
    }
