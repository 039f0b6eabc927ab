"""How much stays broken wherever VMs go: of 66 VMs of which no two may share a host, 64 hosts hold 64.

Each limit by itself has to bear what cannot leave its hosts. Where a family of limits counts VMs, host by host, as many
are above the limits as find no place of their own in a largest matching of VMs and places.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rebalancer.solve.instance.instance import Bools, Instance, Ints
from rebalancer.solve.instance.rows import Group, Limit


@dataclass(frozen=True, slots=True, kw_only=True)
class FewestBreaches:
    """Lower bounds on breaches: of all limits of each family together, and of all groups."""

    families: Mapping[int, int]
    groups: int

    @property
    def total(self) -> int:
        """What nothing is below."""
        return sum(self.families.values()) + self.groups


def fewest_breaches(instance: Instance) -> FewestBreaches:
    """What limits that may be broken, and groups that may be apart, leave broken in any placement."""
    by_family: dict[int, list[Limit]] = {}
    for limit in instance.breakable_limits:
        by_family.setdefault(limit.family, []).append(limit)
    families = {family: _of_family(instance, family, limits) for family, limits in by_family.items()}
    return FewestBreaches(families=families, groups=sum(map(_of_group, instance.breakable_groups)))


def breaches_of(limit: Limit, weight: int) -> int:
    """Whole units that *weight* is above *limit*; none where nothing is there."""
    return max(0, -((limit.upper - weight) // limit.unit)) if weight > 0 else 0


def _of_group(group: Group) -> int:
    return max(0, len(group.fixed) - 1)


def _of_family(instance: Instance, number: int, limits: Sequence[Limit]) -> int:
    weight = instance.families[number].resident
    stuck = sum(breaches_of(limit, _stuck_on(instance, limit)) for limit in limits)
    hosts = Counter(int(limit.hosts[0]) for limit in limits if len(limit.hosts) == 1)
    if weight.max(initial=0) > 1 or any(limit.unit != 1 for limit in limits) or hosts.total() > len(hosts):
        return stuck
    return max(stuck, _unmatched(instance, number, [limit for limit in limits if len(limit.hosts) == 1]))


def _stuck_on(instance: Instance, limit: Limit) -> int:
    """What weighs on *limit* wherever VMs go."""
    family = instance.families[limit.family]
    elsewhere = instance.legal.copy()
    elsewhere[:, limit.hosts] = False
    return int(family.fixed[limit.hosts].sum() + family.resident[~elsewhere.any(axis=1)].sum())


def _unmatched(instance: Instance, number: int, limits: Sequence[Limit]) -> int:
    """VMs above *limits* of one host each, every VM weighing 1: those without a place, moving ones and others."""
    family = instance.families[number]
    units = np.flatnonzero(family.resident)
    places = np.full(len(instance.hosts), len(units), dtype=np.int64)
    over = 0
    for limit in limits:
        host, upper = int(limit.hosts[0]), max(0, limit.upper)
        places[host] = max(0, upper - int(family.fixed[host]))
        over += max(0, int(family.fixed[host]) - upper)
    return over + len(units) - matched(instance.legal[units], places)


def matched(legal: Bools, places: Ints) -> int:
    """How many rows of *legal* (rows, hosts) can have a place of their own, with so many *places* on each host."""
    on: list[list[int]] = [[] for _ in places]
    return sum(_placed(row, legal, places, on, set()) for row in range(len(legal)))


def _placed(row: int, legal: Bools, places: Ints, on: list[list[int]], seen: set[int]) -> bool:
    """Whether *row* finds a place, those who are *on* hosts making room (an augmenting path, Kuhn 1955)."""
    hosts = [host for host in np.flatnonzero(legal[row]).tolist() if host not in seen]
    for host in hosts:
        if len(on[host]) < places[host]:
            on[host].append(row)
            return True
    for host in hosts:
        if host in seen:
            continue
        seen.add(host)
        for number, other in enumerate(on[host]):
            if _placed(other, legal, places, on, seen):
                on[host][number] = row
                return True
    return False
