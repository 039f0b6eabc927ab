"""Whether hosts that are on are enough for all VMs, hour by hour.

`Supply.short` alone tells: to the table of `sleep`, to who switches off, and to who wakes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from rebalancer.demand import LoadProfile
from rebalancer.demand.window import HOUR, Window
from rebalancer.inventory import Host, Pool, Uuid
from rebalancer.objectives import base_load
from rebalancer.objectives.load import counted_hosts, demand_of
from rebalancer.problem import Problem
from rebalancer.rules.facts.memory_model import guest_bytes, resident_bytes
from rebalancer.units import HOURS_A_DAY, slot_at

NEARLY: Final = 1e-9
"""pCPUs that rounding may cost."""


def in_service(pool: Pool) -> frozenset[Uuid]:
    """The hosts on which VMs can be."""
    return frozenset(uuid for uuid, host in pool.hosts.items() if host.live and host.enabled)


def smallest_first(host: Host) -> tuple[int, str, Uuid]:
    """The key by which hosts are sorted to go to sleep, those with the least memory first."""
    return guest_bytes(host), host.name, host.uuid


def largest_first(host: Host) -> tuple[int, str, Uuid]:
    """The key by which hosts are sorted to be woken."""
    return -guest_bytes(host), host.name, host.uuid


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """What each host would hold in each slot if it were on, and what all VMs need together in it.

    VMs are taken as if they could be divided, by memory and by CPU with no host above the policy's threshold. What they
    need together in a slot of percentiles is no less than they did in any hour that falls into it. A host that is off
    is taken to need as many pCPUs for itself as the host that needs most.

    Args:
        order: all hosts: those in service, coordinators first, then the others, each the largest first.
        coordinators: how many coordinate.
        row: {host: its row}.
        room: pCPUs that VMs may use on each host, shape (hosts, slots).
        memory: bytes that VMs may have on each host, shape (hosts, 1).
        load: pCPUs that all VMs need, shape (slots,).
        held: bytes that all VMs have.
        hour: the hour of the day of each slot of recorded days, shape (slots,); None where slots are hours.
    """

    order: tuple[Uuid, ...]
    coordinators: int
    row: Mapping[Uuid, int]
    room: NDArray[np.float64]
    memory: NDArray[np.float64]
    load: NDArray[np.float64]
    held: float
    hour: NDArray[np.int64] | None

    @classmethod
    def of(cls, problem: Problem) -> Self:
        """That of the pool of *problem*.

        Raises:
            MetricsRefused: there is no load profile, or it leaves out a host.
        """
        profile, pool, placement = demand_of(problem), problem.pool, problem.initial
        on, coordinators, hosts = in_service(pool), pool.coordinators, list(pool.hosts.values())
        hosts.sort(key=lambda host: (host.uuid not in on, host.uuid not in coordinators, largest_first(host)))
        full = np.array([problem.cpu_capacity_in_service(host) for host in pool.hosts.values()])
        base = base_load(problem)
        base = np.where(counted_hosts(problem)[:, None], base, base.max(axis=0))
        return cls(
            order=tuple(host.uuid for host in hosts),
            coordinators=len(coordinators),
            row={uuid: number for number, uuid in enumerate(pool.hosts)},
            room=full[:, None] * problem.policy.objective.threshold - base,
            memory=np.array([float(guest_bytes(host)) for host in pool.hosts.values()])[:, None],
            load=_highest_load(profile, [number for number, vm in enumerate(profile.vms) if vm in placement.host_of]),
            held=float(sum(resident_bytes(pool.vms[vm]) for vm in placement)),
            hour=_hours_of_days(profile),
        )

    def short(self, awake: Collection[Uuid], margin: int) -> tuple[bool, ...]:
        """For each hour of the day, or of the week: whether hosts *awake* without the *margin* largest are too few."""
        on = [self.row[uuid] for uuid in self.row if uuid in awake]
        found = _without_largest(self.room[on], margin) < self.load - NEARLY
        found |= _without_largest(self.memory[on], margin) < self.held
        if self.hour is not None:
            by_hour = np.zeros(HOURS_A_DAY, dtype=np.bool_)
            np.logical_or.at(by_hour, self.hour, found)
            found = by_hour
        return tuple(map(bool, found))

    def needed(self, margin: int) -> tuple[int, ...]:
        """For each such hour the fewest hosts that are not too few, taken in their `order`; all where all are.

        Where it is no more than are in service, nobody is woken for that hour; else so many more.
        """
        needed = [len(self.order)] * len(self.short((), margin))
        for count in reversed(range(self.coordinators, len(self.order))):
            short = self.short(self.order[:count], margin)
            needed = [most if bad else count for most, bad in zip(needed, short, strict=True)]
        return tuple(needed)


def _hours_of_days(profile: LoadProfile) -> NDArray[np.int64] | None:
    """The hour of the day of each slot of recorded days; None where slots are hours."""
    return np.array([profile.when.hour_of(slot) for slot in range(profile.slots)]) if profile.days else None


def _highest_load(profile: LoadProfile, rows: list[int]) -> NDArray[np.float64]:
    """PCPUs that the VMs in *rows* need together in each slot: by the profile, and in any recorded hour of it."""
    load: NDArray[np.float64] = profile.vm_pcpu[rows].sum(axis=0)
    whole = profile.series
    if whole is None or profile.days:
        return load
    window = Window(start=profile.window_end - whole.hours * HOUR, hours=whole.hours)
    slots = window.slots(profile.slots, profile.timezone)
    known, usual = whole.vm_pcpu[rows], profile.vm_pcpu[rows][:, slots]
    np.maximum.at(load, slots, np.where(np.isnan(known), usual, known).sum(axis=0))
    return load


def hours_from(found: tuple[bool, ...], begin: datetime, length: timedelta, timezone: str) -> Iterator[datetime]:
    """The hours that are True in *found*, as `Supply.short` tells them, from that of *begin* until *length* later."""
    hour = begin.astimezone(ZoneInfo(timezone)).replace(minute=0, second=0, microsecond=0)
    while hour <= begin + length:
        if found[slot_at(hour, len(found))]:
            yield hour
        hour = (hour.astimezone(UTC) + timedelta(hours=1)).astimezone(ZoneInfo(timezone))


def _without_largest(room: NDArray[np.float64], margin: int) -> NDArray[np.float64]:
    """What hosts hold in each slot without the *margin* that hold most then; *room* has shape (hosts, slots)."""
    return np.asarray(-np.sort(-np.maximum(room, 0), axis=0)[margin:].sum(axis=0), dtype=np.float64)
