"""Which hosts can sleep while no VM is on them, and how many hosts each hour needs.

A host that sleeps is gone for whoever counts on it: HA with its failover plan, and the hosts to spare of the policy.
Both are judged again for every host that goes to sleep, beside those that sleep already.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from rebalancer.inventory import Host, Pool, Uuid
from rebalancer.objectives.load import demand_of
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.units import moment_in_words
from rebalancer.whatif.supply import Supply, hours_from, in_service, smallest_first

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


def _hosts(problem: Problem, asleep: Collection[Uuid]) -> dict[Uuid, Host]:
    return {
        uuid: replace(host, enabled=False, live=False) if uuid in asleep else host
        for uuid, host in problem.pool.hosts.items()
    }
