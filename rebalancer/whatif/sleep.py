"""Which hosts can sleep while no VM is on them, and how many hosts the VMs need at least in each hour.

A host that sleeps is gone for whoever counts on it: HA with its failover plan, and the hosts to spare of the policy.
Both are judged again for every host that goes to sleep, beside those that sleep already.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from rebalancer.demand import LoadProfile
from rebalancer.demand.window import HOUR, Window
from rebalancer.inventory import Host, Uuid
from rebalancer.objectives import base_load, cpu_capacities
from rebalancer.objectives.load import counted_hosts, demand_of
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.rules.facts.memory_model import guest_bytes, resident_bytes
from rebalancer.slots import Slots
from rebalancer.units import HOURS_A_DAY, slot_at

NEARLY = 1e-9
"""pCPUs that rounding may cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyHost:
    """A host without VMs, and the rule that keeps it awake; "" where it can sleep beside all others that can."""

    host: Uuid
    name: str
    rule: str
    words: str

    @property
    def can_sleep(self) -> bool:
        """Whether no rule keeps it awake."""
        return not self.rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Sleep:
    """What can sleep, and when more might.

    Args:
        hosts: those without VMs that are enabled and live, by name.
        in_use: how many hosts hold VMs or coordinate.
        needed: for each hour of the day, or of the week, so many hosts at least hold the VMs, by memory and with no
            host above the policy's threshold, on all recorded days; None without metrics.
        timezone: IANA name of the zone of these hours.
    """

    hosts: tuple[EmptyHost, ...]
    in_use: int
    needed: tuple[int, ...] | None
    timezone: str = "UTC"


def sleep(problem: Problem, placement: Placement) -> Sleep:
    """What can sleep of the pool of *problem* under *placement*.

    Hosts with the least memory go to sleep first; none of those that are kept awake could sleep besides.
    """
    used = {*placement.host_of.values(), *problem.pool.coordinators}
    hosts = problem.pool.hosts.values()
    empty = [host for host in hosts if host.uuid not in used and host.live and host.enabled]
    asleep: set[Uuid] = set()
    found = []
    for host in sorted(empty, key=lambda host: (guest_bytes(host), host.name, host.uuid)):
        rule, words = next(_against({*asleep, host.uuid}, problem, placement), ("", ""))
        if not rule:
            asleep.add(host.uuid)
        found.append(EmptyHost(host=host.uuid, name=problem.names.hosts[host.uuid], rule=rule, words=words))
    return Sleep(
        hosts=tuple(sorted(found, key=lambda each: (each.name, each.host))),
        in_use=len(used),
        needed=_needed(problem, placement) if problem.demand is not None else None,
        timezone=problem.demand.timezone if problem.demand is not None else problem.policy.timezone,
    )


def _against(asleep: Collection[Uuid], problem: Problem, placement: Placement) -> Iterator[tuple[str, str]]:
    dark = replace(problem, initial=placement, before=None, pool=replace(problem.pool, hosts=_hosts(problem, asleep)))
    where = {vm: (host,) for vm, host in placement.host_of.items()}
    for rule, limit in Rulebook.of(dark).ledger().judged:
        words = limit.broken(where)
        if words:
            yield rule.id, words


def kept_awake(problem: Problem, host: Uuid) -> str:
    """Why *host*, on which no VM is, may not go to sleep beside those that are off; "" where it may."""
    if host in problem.pool.coordinators:
        return "the coordinator never sleeps"
    rule, words = next(_against([host], problem, problem.initial), ("", ""))
    return f"{words} [{rule}]" if rule else ""


def short_hours(problem: Problem, awake: Collection[Uuid], margin: int) -> tuple[bool, ...]:
    """For each hour, as in `Sleep.needed`: whether hosts *awake* do not hold all VMs without the *margin* largest.

    It takes VMs as if they could be divided, by memory and by CPU with no host above the policy's threshold. What they
    need together in a slot of percentiles is no less than they did in any hour that falls into it. A host that is off
    is taken to need as many pCPUs for itself as the host that needs most.

    Raises:
        MetricsRefused: there is no load profile, or it leaves out a host.
    """
    profile, pool, placement = demand_of(problem), problem.pool, problem.initial
    on = np.array([uuid in awake for uuid in pool.hosts])
    load = _highest_load(profile, [number for number, vm in enumerate(profile.vms) if vm in placement.host_of])
    full = np.array([problem.cpu_capacity_in_service(host) for host in pool.hosts.values()])
    base = base_load(problem)
    base = np.where(counted_hosts(problem)[:, None], base, base.max(axis=0))
    room = full[:, None] * problem.policy.objective.threshold - base
    memory = np.array([float(guest_bytes(host)) for host in pool.hosts.values()])[:, None]
    held = float(sum(resident_bytes(pool.vms[vm]) for vm in placement))
    short = (_without_largest(room[on], margin) < load - NEARLY) | (_without_largest(memory[on], margin) < held)
    if not profile.days:
        return tuple(map(bool, short))
    return tuple(map(bool, _by_hour(list(map(int, short)), profile.when)))


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
    """The hours that are True in *found*, as `short_hours` tells them, from that of *begin* until *length* later."""
    hour = begin.astimezone(ZoneInfo(timezone)).replace(minute=0, second=0, microsecond=0)
    while hour <= begin + length:
        if found[slot_at(hour, len(found))]:
            yield hour
        hour = (hour.astimezone(UTC) + timedelta(hours=1)).astimezone(ZoneInfo(timezone))


def _without_largest(room: NDArray[np.float64], margin: int) -> NDArray[np.float64]:
    """What hosts hold in each slot without the *margin* that hold most then; *room* has shape (hosts, slots)."""
    return np.asarray(-np.sort(-np.maximum(room, 0), axis=0)[margin:].sum(axis=0), dtype=np.float64)


def _hosts(problem: Problem, asleep: Collection[Uuid]) -> dict[Uuid, Host]:
    return {
        uuid: replace(host, enabled=False, live=False) if uuid in asleep else host
        for uuid, host in problem.pool.hosts.items()
    }


def _needed(problem: Problem, placement: Placement) -> tuple[int, ...]:
    """For each hour the fewest hosts whose room holds all VMs, were they divided at will: those with most room.

    No placement needs fewer, but for hosts that are above the threshold.
    """
    profile, pool = demand_of(problem), problem.pool
    always = np.array([uuid in pool.coordinators for uuid in pool.hosts])
    rows = [number for number, vm in enumerate(profile.vms) if vm in placement.host_of]
    load = profile.vm_pcpu[rows].sum(axis=0)
    room = cpu_capacities(problem)[:, None] * problem.policy.objective.threshold - base_load(problem)
    memory = np.array([float(guest_bytes(host)) for host in pool.hosts.values()])
    held = float(sum(resident_bytes(pool.vms[vm]) for vm in placement))
    least = _counted(always, memory, held)
    needed = [max(least, _counted(always, room[:, slot], float(load[slot]))) for slot in range(len(load))]
    return _by_hour(needed, profile.when) if profile.days else tuple(needed)


def _by_hour(needed: list[int], when: Slots) -> tuple[int, ...]:
    """The most that is *needed* at each hour of the day, over recorded days."""
    hours = [when.hour_of(slot) for slot in range(len(needed))]
    return tuple(max(most for most, at in zip(needed, hours, strict=True) if at == hour) for hour in range(HOURS_A_DAY))


def _counted(always: NDArray[np.bool_], room: NDArray[np.float64], need: float) -> int:
    """How many hosts it takes, those in *always* among them, until their *room* covers *need*; all where none does."""
    missing = need - np.maximum(room[always], 0).sum()
    if missing <= 0:
        return int(always.sum())
    covered = np.cumsum(-np.sort(-np.maximum(room[~always], 0)))
    enough = int(np.searchsorted(covered, missing - NEARLY)) + 1
    return int(always.sum()) + min(enough, int((~always).sum()))
