"""Components of a pool: hosts that no VM, limit, group or forbidden set of moves connects to the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rebalancer.solve.instance.instance import Instance, Ints
from rebalancer.solve.instance.rows import Family, Group, Limit
from rebalancer.solve.model.tier import Pairs


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Component:
    """Hosts and units by number, in rising order: no unit may go to a host outside."""

    hosts: Ints
    units: Ints

    def restricted(self, instance: Instance) -> Instance:
        """The component as a problem of its own."""
        return restricted(
            replace(
                instance,
                limits=_inside(instance, instance.limits, self.hosts, self.units),
                soft_limits=_inside(instance, instance.soft_limits, self.hosts, self.units),
                groups=tuple(self._renumbered(instance.groups)),
                soft_groups=tuple(self._renumbered(instance.soft_groups)),
            ),
            self.hosts,
            self.units,
        )

    def pairs(self, forbidden: Iterable[Pairs]) -> tuple[Pairs, ...]:
        """Those of the *forbidden* pairs of unit and host that concern the component, by its own numbers."""
        mine = (np.array(pairs).T for pairs in forbidden if pairs and pairs[0][0] in self.units)
        found = ((np.searchsorted(self.units, each[0]), np.searchsorted(self.hosts, each[1])) for each in mine)
        return tuple(tuple(zip(units.tolist(), hosts.tolist(), strict=True)) for units, hosts in found)

    def _renumbered(self, groups: Iterable[Group]) -> Iterator[Group]:
        number = {host: number for number, host in enumerate(self.hosts.tolist())}
        for group in groups:
            if group.hosts <= number.keys():
                yield Group(
                    units=np.searchsorted(self.units, group.units),
                    hosts=frozenset(number[each] for each in group.hosts),
                    fixed=frozenset(number[each] for each in group.fixed),
                )


def components(instance: Instance, forbidden: Sequence[Pairs]) -> tuple[Component, ...]:
    """The components of the pool, the one with the fewest pairs first; hosts without units go with it."""
    leader = np.arange(len(instance.hosts))
    for hosts in _connections(instance, forbidden):
        leaders = np.unique(leader[hosts])
        leader[np.isin(leader, leaders)] = leaders[:1]
    of_unit = leader[instance.home]
    parts = [(np.flatnonzero(leader == each), np.flatnonzero(of_unit == each)) for each in np.unique(of_unit)]
    found = [Component(hosts=hosts, units=units) for hosts, units in parts]
    found.sort(key=lambda each: len(each.hosts) * len(each.units))
    idle = np.flatnonzero(~np.isin(leader, of_unit))
    return (replace(found[0], hosts=np.union1d(found[0].hosts, idle)), *found[1:]) if found else ()


def restricted(instance: Instance, hosts: Ints, units: Ints) -> Instance:
    """Some *hosts* and *units*, whose limits and groups are numbered for them already, without failures."""
    place = np.full(len(instance.hosts), -1, dtype=np.int64)
    place[hosts] = np.arange(len(hosts))
    return replace(
        instance,
        hosts=tuple(instance.hosts[host] for host in hosts.tolist()),
        columns=instance.columns[hosts],
        units=tuple(instance.units[unit] for unit in units.tolist()),
        home=place[instance.home[units]],
        moves=instance.moves.restricted(hosts, units),
        copied=instance.copied.restricted(hosts, units),
        legal=instance.legal[np.ix_(units, hosts)],
        unit_pcpu=instance.unit_pcpu[units],
        base_pcpu=instance.base_pcpu[hosts],
        demand=instance.demand[units],
        base=instance.base[hosts],
        deviations=instance.deviations.restricted(hosts, units),
        failures=replace(instance.failures, restarts=(), stated=[], gained=[], wanted=[]),
        stated=instance.stated[:, hosts],
        families=tuple(
            Family(resident=each.resident[units], arrival=each.arrival[units], fixed=each.fixed[hosts])
            for each in instance.families
        ),
    )


def _connections(instance: Instance, forbidden: Sequence[Pairs]) -> Iterator[Ints]:
    if instance.failures.restarts:
        yield np.arange(len(instance.hosts))
    reach = instance.legal.copy()
    reach[np.arange(len(reach)), instance.home] = True
    yield from (np.flatnonzero(row) for row in np.unique(reach, axis=0))
    weighty = [np.flatnonzero(family.resident + family.arrival) for family in instance.families]
    for limit in (*instance.limits, *instance.soft_limits):
        if len(limit.hosts) > 1 and reach[np.ix_(weighty[limit.family], limit.hosts)].any():
            yield limit.hosts
    for group in (*instance.groups, *instance.soft_groups):
        yield np.array(sorted(group.hosts), dtype=np.int64)
    for travellers in instance.disks.rivals():
        vms, places = {each.vm for each in travellers}, {host for each in travellers for host in each.srs}
        homes = instance.home[[unit for unit, members in enumerate(instance.units) if not vms.isdisjoint(members)]]
        yield np.union1d(homes, [number for number, host in enumerate(instance.hosts) if host in places])
    for pairs in forbidden:
        hosts = {host for _, host in pairs} | {int(instance.home[unit]) for unit, _ in pairs}
        yield np.array(sorted(hosts), dtype=np.int64)


def _inside(instance: Instance, limits: Iterable[Limit], hosts: Ints, units: Ints) -> tuple[Limit, ...]:
    """Those of *limits* that bear on *units* and lie within *hosts*, by their new numbers."""
    here = np.zeros(len(instance.hosts), dtype=np.bool_)
    here[hosts] = True
    bears = [bool((each.resident[units] + each.arrival[units]).any()) for each in instance.families]
    return tuple(
        replace(limit, hosts=np.searchsorted(hosts, limit.hosts))
        for limit in limits
        if bears[limit.family] and len(limit.hosts) and here[limit.hosts].all()
    )
