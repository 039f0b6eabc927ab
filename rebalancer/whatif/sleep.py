"""Which hosts can sleep while no VM is on them, and how many hosts each hour needs.

A host that sleeps is gone for whoever counts on it: HA with its failover plan, and the hosts to spare of the policy.
Both are judged again for every host that goes to sleep, beside those that sleep already. Whether the hosts that are
left on are enough for an hour, `Supply.short` alone tells: to the table, to who switches off, and to who wakes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
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
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.rules.facts.memory_model import guest_bytes, resident_bytes
from rebalancer.units import HOURS_A_DAY, moment_in_words, slot_at

NEARLY: Final = 1e-9
"""pCPUs that rounding may cost."""
HOURS: Final = "sleep"
"""Keeps a host awake that one of the next hours needs: the section of the policy that says how careful to be."""
HOLD: Final = "hold"
"""Keeps a host awake that carries `execution.hold_tag`, or is in a pool that does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyHost:
    """A host without VMs, and what keeps it awake; "" where it can sleep beside all others that can.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> found = rb.sleep(model.what_if(rb.scenarios.add_hosts(2)))
        >>> [(host.name, host.rule) for host in found.hosts]
        [('alder #1', ''), ('alder #2', 'sleep')]
    """

    host: Uuid
    name: str
    rule: str
    words: str

    @property
    def can_sleep(self) -> bool:
        """Whether nothing keeps it awake."""
        return not self.rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Sleep:
    """What can sleep, and when more might.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> found = rb.sleep(model.what_if(rb.scenarios.add_hosts(2)))
        >>> found.in_use, [host.name for host in found.hosts]
        (5, ['alder #1', 'alder #2'])

    Args:
        hosts: those without VMs that are enabled and live, by name.
        in_use: how many hosts hold VMs or coordinate.
        off: the names of those that are off, by name.
        needed: for each hour of the day, or of the week, how many hosts have to be on, see `Supply.needed`; None
            without metrics.
        margin_hosts: how many of them are the policy's margin.
        timezone: IANA name of the zone of these hours.
    """

    hosts: tuple[EmptyHost, ...]
    in_use: int
    off: tuple[str, ...]
    needed: tuple[int, ...] | None
    margin_hosts: int = 0
    timezone: str = "UTC"


def sleep(problem: Problem, placement: Placement, now: datetime) -> Sleep:
    """What can sleep *now* of the pool of *problem* under *placement*.

    Hosts with the least memory go to sleep first; none of those that are kept awake could sleep besides.

    Example:
        >>> from datetime import UTC, datetime
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> found = rb.whatif.sleep(model.problem, model.problem.initial, datetime.now(UTC))
        >>> found.in_use, found.needed[:3]
        (5, (5, 5, 5))
    """
    used = {*placement.host_of.values(), *problem.pool.coordinators}
    hosts = problem.pool.hosts.values()
    empty = [host for host in hosts if host.uuid not in used and host.live and host.enabled]
    supply = Supply.of(problem) if problem.demand is not None else None
    situation = _Situation(problem=problem, placement=placement, supply=supply, now=now)
    margin = problem.policy.sleep.margin_hosts
    asleep: set[Uuid] = set()
    found = []
    for host in sorted(empty, key=smallest_first):
        rule, words = next(situation.against(host, asleep), ("", ""))
        if not rule:
            asleep.add(host.uuid)
        found.append(EmptyHost(host=host.uuid, name=problem.names.hosts[host.uuid], rule=rule, words=words))
    return Sleep(
        hosts=tuple(sorted(found, key=lambda each: (each.name, each.host))),
        in_use=len(used),
        off=tuple(sorted(problem.names.hosts[host.uuid] for host in hosts if not host.live)),
        needed=supply.needed(margin) if supply else None,
        margin_hosts=margin,
        timezone=problem.demand.timezone if problem.demand is not None else problem.policy.timezone,
    )


def kept_awake(problem: Problem, host: Host, now: datetime) -> str:
    """Why *host*, on which no VM is, may not go to sleep *now* beside those that are off; "" where it may.

    Raises:
        MetricsRefused: there is no load profile, or it leaves out a host.
    """
    if host.uuid in problem.pool.coordinators:
        return "the coordinator never sleeps"
    found = _Situation(problem=problem, placement=problem.initial, supply=Supply.of(problem), now=now)
    rule, words = next(found.against(host, ()), ("", ""))
    return f"{words} [{rule}]" if rule else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Situation:
    """A pool whose VMs are at *placement* now."""

    problem: Problem
    placement: Placement
    supply: Supply | None
    now: datetime

    def against(self, host: Host, asleep: Collection[Uuid]) -> Iterator[tuple[str, str]]:
        """What keeps *host* on once those in *asleep* are off, too: the rule, and words."""
        tag = self.problem.policy.execution.hold_tag
        if tag in {*self.problem.pool.tags, *host.tags}:
            yield HOLD, f"it or the pool carries the tag {tag}"
        pool = replace(self.problem.pool, hosts=_hosts(self.problem, {*asleep, host.uuid}))
        yield from self._broken(pool)
        yield from self._short(pool)

    def _broken(self, pool: Pool) -> Iterator[tuple[str, str]]:
        dark = replace(self.problem, initial=self.placement, before=None, pool=pool)
        where = {vm: (host,) for vm, host in self.placement.host_of.items()}
        for rule, limit in Rulebook.of(dark).ledger().judged:
            words = limit.broken(where)
            if words:
                yield rule.id, words

    def _short(self, pool: Pool) -> Iterator[tuple[str, str]]:
        if self.supply is None:
            return
        wanted, zone = self.problem.policy.sleep, self.problem.policy.timezone
        short = self.supply.short(in_service(pool), wanted.margin_hosts)
        horizon = max(timedelta(hours=wanted.horizon_hours), timedelta(minutes=wanted.lead_minutes))
        for hour in hours_from(short, self.now, horizon, demand_of(self.problem).timezone):
            yield HOURS, f"it is needed at {moment_in_words(hour, zone)}"


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
