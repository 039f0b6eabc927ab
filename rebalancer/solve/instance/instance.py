"""The problem in whole numbers: units that move as one, the hosts that each may be on, loads and limits.

Limits are kept exact: the model divides by common factors and never rounds, so that it accepts what the checker
accepts. Loads are counted in `resolution` parts of a pCPU, rounded up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from rebalancer.inventory import Uuid
from rebalancer.objectives import base_load
from rebalancer.problem import Problem
from rebalancer.rules import Affinity, Row, Rulebook, Weights
from rebalancer.rules.routes import DisksAlong
from rebalancer.solve.instance.disks import Disks, disks_of
from rebalancer.solve.instance.host_failures import Failures
from rebalancer.solve.instance.legal_targets import Targets, merged
from rebalancer.solve.instance.move_cost import MoveCost
from rebalancer.solve.instance.peaks import Deviations
from rebalancer.solve.instance.resolution import PARTS, Resolution, resolution_for
from rebalancer.solve.instance.rows import Breakable, Family, Group, Lazy, Limit, Register, stated_at_first

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Instance:
    """A problem, ready to be solved.

    Args:
        book: the problem, and the rules that bind.
        hosts: uuids of the hosts; every host index counts in this order.
        columns: the place of each host among those of the pool, shape (hosts,).
        units: the VMs that move as one; every unit index counts in this order. Units that cannot move are left out.
        home: host of each unit now, shape (units,).
        legal: where each unit may end, its home included unless it has to leave, shape (units, hosts).
        unit_pcpu: load of each unit, shape (units, columns): pCPUs by slot, then what the policy sets beside CPU, in
            units of its own; no columns without metrics.
        base_pcpu: load of each host with what never moves, shape (hosts, columns).
        demand: `unit_pcpu` in parts of a pCPU.
        base: `base_pcpu` in parts of a pCPU.
        deviations: how far peaks are above these loads, where the policy is robust.
        moves: VMs that move with each unit.
        copied: bytes that are copied when each unit moves.
        disks: what goes along with units to some hosts, and the SRs that may run out of space.
        resolution: what one part of a pCPU is.
        families: weights of the limits.
        limits: what hosts hold at most.
        groups: units that belong together and are not.
        soft_limits: limits that are wishes: they forbid nothing, and whatever is above them counts.
        soft_groups: the same for units that should be together, whether they are now or not.
        failures: failures of hosts that have to be outlived; models state those that were found to matter.
        stated: the families whose limits models state, by host, shape (families, hosts); of lazy ones it grows.
        breakable_limits: limits that a placement may leave broken: those broken now, and wishes.
        breakable: those of them that are over one host, in arrays.
        lazy: those of the limits that are lazy, in arrays.
        register: where to look up `limits`.
        unit_of: the unit of each VM that may move.
        host_index: the number of each host.
    """

    book: Rulebook
    hosts: tuple[Uuid, ...]
    columns: Ints
    units: tuple[tuple[Uuid, ...], ...]
    home: Ints
    legal: Bools
    unit_pcpu: Floats
    base_pcpu: Floats
    demand: Ints
    base: Ints
    deviations: Deviations
    moves: MoveCost
    copied: MoveCost
    disks: Disks
    resolution: Resolution
    families: tuple[Family, ...]
    limits: tuple[Limit, ...]
    groups: tuple[Group, ...]
    soft_limits: tuple[Limit, ...]
    soft_groups: tuple[Group, ...]
    failures: Failures
    stated: Bools
    breakable_limits: tuple[Limit, ...] = field(init=False)
    breakable: Breakable = field(init=False)
    lazy: Lazy = field(init=False)
    register: Register = field(init=False)
    unit_of: Mapping[Uuid, int] = field(init=False)
    host_index: Mapping[Uuid, int] = field(init=False)

    def __post_init__(self) -> None:
        """Find the broken limits once, and index all: every model asks for them."""
        broken = (limit for limit in self.limits if limit.broken)
        breakable, sizes = (*broken, *self.soft_limits), (len(self.units), len(self.hosts))
        object.__setattr__(self, "breakable_limits", breakable)
        object.__setattr__(self, "breakable", Breakable.of(breakable, self.families, *sizes))
        object.__setattr__(self, "lazy", Lazy.of(self.limits, self.families, *sizes))
        object.__setattr__(self, "register", Register.of(self.limits, self.families, len(self.units)))
        unit_of = {vm: number for number, members in enumerate(self.units) for vm in members}
        object.__setattr__(self, "unit_of", unit_of)
        object.__setattr__(self, "host_index", {host: number for number, host in enumerate(self.hosts)})

    @property
    def slots(self) -> int:
        """The columns of loads that are CPU; they come first."""
        return 0 if self.problem.demand is None else self.problem.demand.slots

    @property
    def problem(self) -> Problem:
        """The pool, its demand and the policy."""
        return self.book.problem

    @property
    def breakable_groups(self) -> tuple[Group, ...]:
        """Groups that a placement may leave apart: those apart now, and wishes."""
        return (*self.groups, *self.soft_groups)

    def host_of(self, at: Ints) -> dict[Uuid, Uuid]:
        """The host of every VM of the units that are *at* hosts."""
        pairs = zip(self.units, at.tolist(), strict=True)
        return {vm: self.hosts[host] for members, host in pairs for vm in members}

    def optimistic(self) -> Instance:
        """The same with loads that are rounded down, coarsely: for bounds, which then hold without any allowance."""
        resolution = Resolution(parts_per_pcpu=PARTS[0], optimistic=True)
        demand, base = resolution.parts(self.unit_pcpu), resolution.parts(self.base_pcpu)
        deviations, failures = self.deviations.rounded(resolution), self.failures.copy()
        return replace(
            self,
            demand=demand,
            base=base,
            deviations=deviations,
            resolution=resolution,
            failures=failures,
            stated=self.stated.copy(),
        )

    def keeps_lazy(self, at: Ints) -> bool:
        """Whether the lazy limits hold where the units are *at*; those that do not are stated from now on."""
        if not len(self.lazy.families):
            return True
        exceeded = self.lazy.exceeded(at)
        self.stated[self.lazy.families] |= exceeded.T
        return not exceeded.any()

    @property
    def found_to_matter(self) -> int:
        """How many failures and lazy limits models state."""
        return len(self.failures.stated) + int(self.stated.sum())


def instance_of(book: Rulebook) -> Instance:
    """The problem of *book* in whole numbers."""
    return _Builder(book).instance()


class _Builder:
    def __init__(self, book: Rulebook) -> None:
        self._book, self._problem = book, book.problem
        self._hosts = tuple(book.problem.pool.hosts)
        self._host_index = {host: number for number, host in enumerate(self._hosts)}
        self._limits = [bound.limit for bound in book.limits]
        self._units: list[tuple[Uuid, ...]] = []
        self._unit_of: dict[Uuid, int] = {}
        self._legal: list[Bools] = []
        self._carried: dict[Uuid, dict[Uuid, DisksAlong]] = {}

    def instance(self) -> Instance:
        self._find_units()
        unit_pcpu, base_pcpu = self._loads()
        deviations = Deviations.of(self._problem, self._unit_of, self._hosts)
        resolution = resolution_for([*unit_pcpu, *base_pcpu, *deviations.all_pcpu])
        home = np.array([self._home(members[0]) for members in self._units], dtype=np.int64)
        families, limits, soft_limits = self._rows(home)
        legal = np.array(self._legal, dtype=np.bool_).reshape(len(self._units), len(self._hosts))
        joined = [limit for limit in self._limits if isinstance(limit, Affinity)]
        rows = [each for each in self._limits if isinstance(each, Row)]
        over_srs = (each for each in rows if not each.places <= self._host_index.keys())
        disks = disks_of(self._problem, self._carried, over_srs)
        return Instance(
            book=self._book,
            hosts=self._hosts,
            columns=np.arange(len(self._hosts)),
            units=tuple(self._units),
            home=home,
            legal=legal,
            unit_pcpu=unit_pcpu,
            base_pcpu=base_pcpu,
            demand=resolution.parts(unit_pcpu),
            base=resolution.parts(base_pcpu),
            deviations=deviations.rounded(resolution),
            moves=MoveCost.flat(home, np.array([*map(len, self._units)], dtype=np.int64), len(self._hosts)),
            copied=self._copied(home, disks),
            disks=disks,
            resolution=resolution,
            families=families,
            limits=limits,
            groups=tuple(each for each in self._groups(group for group in joined if group.hard) if each.apart),
            soft_limits=soft_limits,
            soft_groups=tuple(self._groups(group for group in joined if not group.hard)),
            failures=Failures.of(self._limits, self._problem.initial),
            stated=stated_at_first(families, limits, legal),
        )

    def _home(self, vm: Uuid) -> int:
        return self._host_index[self._problem.initial[vm]]

    def _find_units(self) -> None:
        targets = Targets(self._book)
        groups = [limit for limit in self._limits if isinstance(limit, Affinity) and limit.hard]
        for members in merged(self._problem, groups):
            legal = targets.of(members)
            if legal.sum() > int(legal[self._home(members[0])]):
                for vm in members:
                    self._unit_of[vm] = len(self._units)
                    carried = targets.carried[vm].items()
                    self._carried[vm] = {host: each for host, each in carried if legal[self._host_index[host]]}
                self._units.append(members)
                self._legal.append(legal)

    def _loads(self) -> tuple[Floats, Floats]:
        profile, initial = self._problem.demand, self._problem.initial
        if profile is None:
            return np.zeros((len(self._units), 0)), np.zeros((len(self._hosts), 0))
        resources = self._problem.resources.all
        loads = np.hstack([profile.vm_pcpu, *(each.vm for each in resources)])
        rows = dict(zip(profile.vms, loads, strict=True))
        units = np.zeros((len(self._units), loads.shape[1]))
        base = np.hstack([base_load(self._problem), *(each.base for each in resources)])
        for vm in initial:
            if vm in self._unit_of:
                units[self._unit_of[vm]] += rows[vm]
            else:
                base[self._home(vm)] += rows[vm]
        return units, base

    def _copied(self, home: Ints, disks: Disks) -> MoveCost:
        vms = self._problem.pool.vms
        memory = [sum(vms[vm].migration_memory_bytes for vm in members) for members in self._units]
        least = np.array(memory, dtype=np.int64)
        if not disks.travellers:
            return MoveCost.flat(home, least, len(self._hosts))
        extra = np.zeros((len(self._units), len(self._hosts)), dtype=np.int64)
        for disk in disks.travellers:
            extra[self._unit_of[disk.vm], [self._host_index[host] for host in disk.srs]] += disk.copied
        return MoveCost.of(home, least, extra)

    def _rows(self, home: Ints) -> tuple[tuple[Family, ...], tuple[Limit, ...], tuple[Limit, ...]]:
        rows = [each for each in self._limits if isinstance(each, Row) and each.places <= self._host_index.keys()]
        numbers: dict[Weights, int] = {}
        families: list[Family] = []
        limits: dict[bool, list[Limit]] = {True: [], False: []}
        for row in rows:
            number = numbers.setdefault(row.weights, len(families))
            if number == len(families):
                families.append(self._family(row.weights))
            family, hosts = families[number], np.array(sorted(self._host_index[each] for each in row.places), np.int64)
            start = family.fixed[hosts].sum() + family.resident[np.isin(home, hosts)].sum()
            limit = Limit(
                family=number,
                hosts=hosts,
                upper=row.upper,
                most=row.most,
                unit=row.unit,
                start=int(start),
                lazy=row.series is not None,
            )
            limits[row.hard].append(limit)
        return tuple(families), tuple(limits[True]), tuple(limits[False])

    def _family(self, weights: Weights) -> Family:
        resident, arrival = np.zeros((2, len(self._units)), np.int64)
        fixed = np.zeros(len(self._hosts), np.int64)
        for vm, weight in weights.resident.items():
            if vm in self._unit_of:
                resident[self._unit_of[vm]] += weight
            elif vm in self._problem.initial.host_of:
                fixed[self._home(vm)] += weight
        for vm, weight in weights.arrival.items():
            if vm in self._unit_of:
                arrival[self._unit_of[vm]] += weight
        return Family(resident=resident, arrival=arrival, fixed=fixed)

    def _groups(self, joined: Iterable[Affinity]) -> Iterator[Group]:
        for limit in joined:
            members = sorted(vm for vm in limit.vms if vm in self._problem.initial.host_of)
            units = sorted({self._unit_of[vm] for vm in members if vm in self._unit_of})
            hosts = frozenset(self._home(vm) for vm in members)
            fixed = frozenset(self._home(vm) for vm in members if vm not in self._unit_of)
            if members:
                yield Group(units=np.array(units, dtype=np.int64), hosts=hosts, fixed=fixed)
