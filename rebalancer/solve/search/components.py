"""Parts of a pool that share nothing: hosts that no VM, limit, group or forbidden set of moves joins to the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rebalancer.solve.instance.instance import Ints, Prepared
from rebalancer.solve.instance.rows import Family, Group, Limit
from rebalancer.solve.model.tier import Pairs


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Component:
    """Hosts and units by number, in rising order: no unit may go to a host outside."""

    hosts: Ints
    units: Ints

    def of(self, prepared: Prepared) -> Prepared:
        """The component as a problem of its own."""
        return part_of(
            replace(
                prepared,
                limits=_inside(prepared, prepared.limits, self.hosts, self.units),
                soft_limits=_inside(prepared, prepared.soft_limits, self.hosts, self.units),
                groups=tuple(self._renumbered(prepared.groups)),
                soft_groups=tuple(self._renumbered(prepared.soft_groups)),
            ),
            self.hosts,
            self.units,
        )

    def pairs(self, forbidden: Iterable[Pairs]) -> tuple[Pairs, ...]:
        """Those of the *forbidden* pairs of unit and host that concern the component, by its own numbers."""
        unit, host = _numbers(self.units), _numbers(self.hosts)
        return tuple(
            tuple((unit[a], host[b]) for a, b in pairs) for pairs in forbidden if pairs and pairs[0][0] in unit
        )

    def _renumbered(self, groups: Iterable[Group]) -> Iterator[Group]:
        """The groups of the component, by its own numbers."""
        unit, host = _numbers(self.units), _numbers(self.hosts)
        for group in groups:
            if group.hosts <= host.keys():
                yield Group(
                    units=np.array([unit[each] for each in group.units.tolist()], dtype=np.int64),
                    hosts=frozenset(host[each] for each in group.hosts),
                    fixed=frozenset(host[each] for each in group.fixed),
                )


def components(prepared: Prepared, forbidden: Sequence[Pairs]) -> tuple[Component, ...]:
    """The parts of the pool that share nothing, the one with the fewest pairs first; hosts without units go with it."""
    leader = np.arange(len(prepared.hosts))
    for hosts in _joined(prepared, forbidden):
        leaders = np.unique(leader[hosts])
        leader[np.isin(leader, leaders)] = leaders[:1]
    of_unit = leader[prepared.home]
    found = [
        Component(hosts=np.flatnonzero(leader == each), units=np.flatnonzero(of_unit == each))
        for each in np.unique(of_unit)
    ]
    found.sort(key=lambda each: len(each.hosts) * len(each.units))
    idle = np.flatnonzero(~np.isin(leader, of_unit))
    return (replace(found[0], hosts=np.union1d(found[0].hosts, idle)), *found[1:]) if found else ()


def part_of(prepared: Prepared, hosts: Ints, units: Ints) -> Prepared:
    """Some *hosts* and *units*, whose limits and groups are numbered for them already, without failures."""
    place = np.full(len(prepared.hosts), -1, dtype=np.int64)
    place[hosts] = np.arange(len(hosts))
    return replace(
        prepared,
        hosts=tuple(prepared.hosts[host] for host in hosts.tolist()),
        columns=prepared.columns[hosts],
        units=tuple(prepared.units[unit] for unit in units.tolist()),
        home=place[prepared.home[units]],
        moves=prepared.moves.of_part(hosts, units),
        copied=prepared.copied.of_part(hosts, units),
        legal=prepared.legal[np.ix_(units, hosts)],
        unit_pcpu=prepared.unit_pcpu[units],
        base_pcpu=prepared.base_pcpu[hosts],
        demand=prepared.demand[units],
        base=prepared.base[hosts],
        deviations=prepared.deviations.of_part(hosts, units),
        failures=replace(prepared.failures, restarts=(), stated=[], gained=[], wanted=[]),
        families=tuple(
            Family(resident=each.resident[units], arrival=each.arrival[units], fixed=each.fixed[hosts])
            for each in prepared.families
        ),
    )


def _joined(prepared: Prepared, forbidden: Sequence[Pairs]) -> Iterator[Ints]:
    """Sets of hosts that something joins."""
    if prepared.failures.restarts:
        yield np.arange(len(prepared.hosts))
    reach = prepared.legal.copy()
    reach[np.arange(len(reach)), prepared.home] = True
    yield from (np.flatnonzero(row) for row in np.unique(reach, axis=0))
    weighty = [np.flatnonzero(family.resident + family.arrival) for family in prepared.families]
    for limit in (*prepared.limits, *prepared.soft_limits):
        if len(limit.hosts) > 1 and reach[np.ix_(weighty[limit.family], limit.hosts)].any():
            yield limit.hosts
    for group in (*prepared.groups, *prepared.soft_groups):
        yield np.array(sorted(group.hosts), dtype=np.int64)
    for travellers in prepared.disks.rivals():
        vms, places = {each.vm for each in travellers}, {host for each in travellers for host in each.srs}
        homes = prepared.home[[unit for unit, members in enumerate(prepared.units) if not vms.isdisjoint(members)]]
        yield np.union1d(homes, [number for number, host in enumerate(prepared.hosts) if host in places])
    for pairs in forbidden:
        hosts = {host for _, host in pairs} | {int(prepared.home[unit]) for unit, _ in pairs}
        yield np.array(sorted(hosts), dtype=np.int64)


def _inside(prepared: Prepared, limits: Iterable[Limit], hosts: Ints, units: Ints) -> tuple[Limit, ...]:
    """Those of *limits* that bear on *units* and lie within *hosts*, by their new numbers."""
    here = np.zeros(len(prepared.hosts), dtype=np.bool_)
    here[hosts] = True
    bears = [bool((each.resident[units] + each.arrival[units]).any()) for each in prepared.families]
    return tuple(
        replace(limit, hosts=np.searchsorted(hosts, limit.hosts))
        for limit in limits
        if bears[limit.family] and len(limit.hosts) and here[limit.hosts].all()
    )


def _numbers(values: Ints) -> dict[int, int]:
    """The place of each value."""
    return {value: number for number, value in enumerate(values.tolist())}
