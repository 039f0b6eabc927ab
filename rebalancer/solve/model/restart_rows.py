"""Failures of hosts in the model: the VMs of the failed hosts fit on the others, wherever they are restarted.

VMs that need the same and may run on the same hosts are one kind, of which so many are restarted on each host. That is
exact: kinds are packed in whole numbers, and the free bytes of a host are those that the checker sees.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from rebalancer.inventory import Uuid
from rebalancer.objectives import Measure
from rebalancer.rules.availability.restarts import Failure, Restarts, Where
from rebalancer.solve.instance.instance import Ints
from rebalancer.solve.model.objective_terms import number_of
from rebalancer.solve.model.variables import Assignment

RestartKind = tuple[int, frozenset[Uuid]]


def post_restarts(model: Assignment) -> None:
    """Every failure that was found to be lost is outlived."""
    failures = model.instance.failures
    stated = tuple(failures.stated)
    if not stated or not len(model.units):
        return
    for number, limit in enumerate(failures.restarts):
        mine = [failure for each, failure in stated if each == number]
        if mine:
            rows = _RestartRows(model, limit)
            for failure in mine:
                rows.post(failure)


def failures_lost(model: Assignment) -> Measure:
    """How many of the failures that are to be mended stay lost."""
    failures = model.instance.failures
    variables = []
    for number, limit in enumerate(failures.restarts):
        mine = [failure for each, failure in failures.wanted if each == number]
        rows = _RestartRows(model, limit) if mine else None
        variables += [rows.post_unless_lost(failure) for failure in mine if rows]
    return number_of(variables, largest=len(variables))


class _RestartRows:
    def __init__(self, model: Assignment, limit: Restarts) -> None:
        self._model, self._limit = model, limit
        instance = model.instance
        self._index, self._unit_of = instance.host_index, instance.unit_of
        sizes = limit.items.size
        self._kinds: dict[RestartKind, int] = {}
        self._kind_of = {
            vm: self._kinds.setdefault((sizes[vm], limit.items.targets[vm]), len(self._kinds)) for vm in sorted(sizes)
        }
        self._grain = int(np.gcd.reduce([*limit.held.values(), *sizes.values()])) or 1
        self._count, self._count_there = self._counts()
        self._free = self._free_bytes()
        self._asked: tuple[Ints, Where] | None = None
        self._restarted: dict[Failure, tuple[Ints, Counter[tuple[int, Uuid]]]] = {}

    def post_unless_lost(self, failure: Failure) -> int:
        restarts = self._limit.restarts
        lost = self._model.whole_number(1, lambda chosen: int(restarts(failure, self._where(chosen)) is None))
        self.post(failure, given=-lost - 1)
        return lost

    def post(self, failure: Failure, *, given: int | None = None) -> None:
        taken: dict[Uuid, list[tuple[int, int]]] = {}
        for (size, targets), kind in self._kinds.items():
            for host, variable in self._restart(failure, kind, targets, given).items():
                taken.setdefault(host, []).append((variable, size // self._grain))
        for host, terms in taken.items():
            free, constant = self._free[host]
            if free is not None:
                terms.append((free, -1))
            self._model.at_most([each for each, _ in terms], [weight for _, weight in terms], constant)

    def _restart(self, failure: Failure, kind: int, targets: frozenset[Uuid], given: int | None) -> dict[Uuid, int]:
        failed = [self._index[host] for host in sorted(failure)]
        pairs = np.flatnonzero(np.isin(self._model.at_hosts, failed) & (self._count[kind][self._model.units] > 0))
        counts = self._count[kind][self._model.units[pairs]].tolist()
        sure = int(self._count_there[kind][failed].sum())
        most = sure + sum(counts)
        if not most:
            return {}
        places = {host: self._place(failure, kind, host, most) for host in sorted(targets - failure)}
        self._model.at_most([*pairs.tolist(), *places.values()], [*counts, *([-1] * len(places))], -sure, given=given)
        return places

    def _place(self, failure: Failure, kind: int, host: Uuid, most: int) -> int:
        return self._model.whole_number(most, lambda chosen: self._restarts(failure, chosen)[kind, host])

    def _restarts(self, failure: Failure, chosen: Ints) -> Counter[tuple[int, Uuid]]:
        """VMs of each kind that a packer restarts on each host, cached for the last choice; none where not all fit."""
        asked, counts = self._restarted.get(failure, (None, Counter()))
        if asked is not chosen:
            restarts = self._limit.restarts(failure, self._where(chosen)) or {}
            counts = Counter((self._kind_of[vm], target) for vm, target in restarts.items())
            self._restarted[failure] = chosen, counts
        return counts

    def _where(self, chosen: Ints) -> Where:
        """The host of every VM, cached for the last choice."""
        if self._asked is None or self._asked[0] is not chosen:
            instance = self._model.instance
            host_of = instance.host_of(self._model.placement(chosen.tolist()))
            host_of = {**instance.problem.initial.host_of, **host_of}
            self._asked = chosen, {vm: (host,) for vm, host in host_of.items()}
        return self._asked[1]

    def _counts(self) -> tuple[Ints, Ints]:
        """VMs of each kind in each unit, shape (kinds, units), and for sure on each host, shape (kinds, hosts)."""
        model, instance = self._model, self._model.instance
        of_unit = np.zeros((len(self._kinds), len(instance.units)), dtype=np.int64)
        there = np.zeros((len(self._kinds), len(instance.hosts)), dtype=np.int64)
        for vm, kind in self._kind_of.items():
            unit = self._unit_of.get(vm)
            if unit is None:
                there[kind, self._index[instance.problem.initial[vm]]] += 1
            else:
                of_unit[kind, unit] += 1
                if model.constant[unit]:
                    there[kind, model.scope.at[unit]] += 1
        return of_unit, there

    def _free_bytes(self) -> dict[Uuid, tuple[int | None, int]]:
        """For each host what is free there, in grains: a variable, where that depends, and a constant."""
        model, instance, held = self._model, self._model.instance, self._limit.held
        weight = np.zeros(len(instance.units), dtype=np.int64)
        sure = np.zeros(len(instance.hosts), dtype=np.int64)
        for vm, size in held.items():
            unit = self._unit_of.get(vm)
            if unit is None:
                sure[self._index[instance.problem.initial[vm]]] += size // self._grain
            else:
                weight[unit] += size // self._grain
        np.add.at(sure, model.scope.at[model.constant], weight[model.constant])
        return {
            host: self._free_on(self._index[host], room // self._grain - int(sure[self._index[host]]), weight)
            for host, room in self._limit.room.items()
        }

    def _free_on(self, host: int, room: int, weight: Ints) -> tuple[int | None, int]:
        model = self._model
        pairs = np.flatnonzero(model.at_hosts == host)
        weights = weight[model.units[pairs]]
        if room <= 0 or not weights.sum():
            return None, max(0, room)
        free = model.whole_number(room, lambda chosen: max(0, room - int(weights @ chosen[pairs])))
        if weights.sum() <= room:
            model.at_most([*pairs.tolist(), free], [*weights.tolist(), 1], room)
        else:
            has_room = model.whole_number(1, lambda chosen: int(weights @ chosen[pairs] <= room))
            model.at_most([*pairs.tolist(), free], [*weights.tolist(), 1], room, given=has_room)
            model.at_most([free, has_room], [1, -room], 0)
        return free, 0
