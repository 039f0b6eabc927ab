"""The limits of pool rules in the model: exactly what the checker accepts, no more and no less."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rebalancer.solve.instance.instance import Bools, Ints
from rebalancer.solve.instance.rows import Group, Limit
from rebalancer.solve.model.variables import Assignment


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Terms:
    """Who weighs on a limit: pairs with their weights, those that would join, and what is there anyway."""

    pairs: Ints
    weights: Ints
    joining: Ints
    constant: int
    joined: bool


def post_limits(model: Assignment) -> None:
    """Every limit holds; one that is closed now holds as soon as somebody joins."""
    limits, register = model.instance.limits, model.instance.register
    weighing = {int(family): Weighing(model, int(family)) for family in register.reached(~model.constant)}
    for number in np.flatnonzero(_may_bind(model, weighing)).tolist():
        limit = limits[number]
        terms = weighing[limit.family].on(limit)
        if terms is None:
            continue
        if limit.closed and not terms.joined:
            _post_broken(model, limit, terms)
        else:
            _post_whole(model, limit, terms)


def _may_bind(model: Assignment, weighing: Mapping[int, Weighing]) -> Bools:
    """The limits to state that free units can reach, and by whose weights they could be exceeded, shape (limits,)."""
    register, instance = model.instance.register, model.instance
    # One more column: limits over several hosts look there.
    most = np.full((len(instance.families), len(instance.hosts) + 1), np.iinfo(np.int64).min)
    for family, weights in weighing.items():
        most[family, :-1] = weights.most
        most[family, -1] = np.iinfo(np.int64).max
    stated = instance.stated[register.family, register.host] | (register.host < 0)
    binding: Bools = (most[register.family, register.host] > register.upper) & stated
    return binding


class Weighing:
    """What one family weighs in a model: free units where they may go, the others where they are.

    `most` is what it weighs on each host at most, shape (hosts,).
    """

    def __init__(self, model: Assignment, family: int) -> None:
        instance = model.instance
        self._family = instance.families[family]
        settled = model.constant[self._family.members]
        self._units, others = self._family.members[~settled], self._family.members[settled]
        self._home, self._others_home = instance.home[self._units], instance.home[others]
        self._others, self._at = others, model.scope.at[others]
        self._grid = model.variable[self._units]
        open_pairs = self._grid >= 0
        self._weights = open_pairs * self._family.arrival[self._units][:, None]
        rows = np.arange(len(self._units))
        self._weights[rows, self._home] = open_pairs[rows, self._home] * self._family.resident[self._units]
        arrived = self._at != self._others_home
        held = np.where(arrived, self._family.arrival[others], self._family.resident[others])
        self._constant, self._joined = self._family.fixed.copy(), np.zeros(len(instance.hosts), dtype=np.bool_)
        np.add.at(self._constant, self._at, held)
        self._joined[self._at[arrived & (held > 0)]] = True
        most = self._weights.sum(axis=0) + self._constant
        self.most = np.where(open_pairs.any(axis=0), most, np.iinfo(np.int64).min)

    def on(self, limit: Limit) -> Terms | None:
        """Who weighs on *limit*, one of the family; None where no free unit can."""
        return self._on_one(int(limit.hosts[0])) if len(limit.hosts) == 1 else self._on_several(limit)

    def _on_one(self, host: int) -> Terms:
        weights = self._weights[:, host]
        heavy = np.flatnonzero(weights)
        pairs = self._grid[heavy, host]
        return Terms(
            pairs=pairs,
            weights=weights[heavy],
            joining=pairs[self._home[heavy] != host],
            constant=int(self._constant[host]),
            joined=bool(self._joined[host]),
        )

    def _on_several(self, limit: Limit) -> Terms | None:
        """Who weighs on a limit over several hosts; a unit that only changes between them does not join."""
        grid = self._grid[:, limit.hosts]
        if not (grid >= 0).any():
            return None
        resident, weights = self._weighed(limit, self._units, self._home)
        row, column = np.nonzero((grid >= 0) & (weights > 0)[:, None])
        pairs = grid[row, column]
        there = limit.covers(self._at)
        stayed, held = self._weighed(limit, self._others[there], self._others_home[there])
        return Terms(
            pairs=pairs,
            weights=weights[row],
            joining=pairs[~resident[row]],
            constant=int(self._family.fixed[limit.hosts].sum() + held.sum()),
            joined=bool((~stayed & (held > 0)).any()),
        )

    def _weighed(self, limit: Limit, units: Ints, home: Ints) -> tuple[Bools, Ints]:
        resident = limit.covers(home)
        return resident, np.where(resident, self._family.resident[units], self._family.arrival[units])


def post_groups(model: Assignment) -> None:
    """A group that is spread now goes to a further host only as a whole."""
    for group in model.instance.groups:
        if model.constant[group.units].all():
            continue
        outside = [host for host in range(len(model.instance.hosts)) if host not in group.hosts]
        for host in outside:
            _post_together(model, group, host)


def _post_whole(model: Assignment, limit: Limit, terms: Terms) -> None:
    room = max(limit.most, 0) - terms.constant
    if terms.weights.sum() > room:
        model.at_most(terms.pairs, terms.weights, room)


def _post_broken(model: Assignment, limit: Limit, terms: Terms) -> None:
    """Somebody joins only if the weights then fit."""
    if not len(terms.joining):
        return
    joined = model.any_of(terms.joining.tolist())
    model.at_most(terms.pairs, terms.weights, max(limit.most, 0) - terms.constant, given=joined)


def _post_together(model: Assignment, group: Group, host: int) -> None:
    variables = [int(each) for each in model.variable[group.units, host] if each >= 0]
    constants = group.units[model.constant[group.units]]
    if len(constants) and (model.scope.at[constants] == host).all() and not group.fixed:
        for variable in variables:
            model.writer.fix(variable, 1)
    elif group.fixed or len(variables) < len(group.units):
        for variable in variables:
            model.writer.fix(variable, 0)
    else:
        for variable in variables[1:]:
            model.writer.implies(variable, variables[0])
            model.writer.implies(variables[0], variable)
