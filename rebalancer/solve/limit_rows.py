"""The limits of pool rules in the model: exactly what the checker accepts, no more and no less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rebalancer.solve.limits import Family, Group, Limit
from rebalancer.solve.prepare import Bools, Ints, Prepared

if TYPE_CHECKING:
    from rebalancer.solve.model import PlacementModel


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Terms:
    """Who weighs on a limit: pairs with their weights, those that would join, and what is there anyway."""

    pairs: Ints
    weights: Ints
    joining: Ints
    constant: int
    joined: bool


def post_limits(model: PlacementModel) -> None:
    """Every limit holds; one that is broken tonight holds as soon as somebody joins."""
    settled = _settled(model)
    limits, families = model.prepared.limits, model.prepared.families
    for number in np.flatnonzero(_may_bind(model)).tolist():
        limit = limits[number]
        members = families[limit.family].members
        reach = members[~model.constant[members]]
        if not model.scope.free[np.ix_(reach, limit.hosts)].any():
            continue
        terms = terms_of(model, limit, reach, settled)
        if limit.broken and not terms.joined:
            _post_broken(model, limit, terms)
        else:
            _post_whole(model, limit, terms)


def _may_bind(model: PlacementModel) -> Bools:
    """The limits that free units can reach, and by whose weights they could be exceeded, shape (limits,)."""
    register, families = model.prepared.register, model.prepared.families
    # One more column: limits over several hosts look there.
    most = np.full((len(families), len(model.prepared.hosts) + 1), np.iinfo(np.int64).min)
    for number, family in enumerate(families):
        free = family.members[~model.constant[family.members]]
        if len(free):
            most[number, :-1] = _at_most(model, family, free)
            most[number, -1] = np.iinfo(np.int64).max
    binding: Bools = most[register.family, register.host] > register.upper
    return binding


def _at_most(model: PlacementModel, family: Family, free: Ints) -> Ints:
    """What *family* weighs on each host at most, with the *free* units wherever they may go, shape (hosts,)."""
    prepared, at = model.prepared, model.scope.at
    reach = model.scope.free[free]
    weights = reach * family.arrival[free][:, None]
    rows, homes = np.arange(len(free)), prepared.home[free]
    weights[rows, homes] = reach[rows, homes] * family.resident[free]
    most = weights.sum(axis=0) + family.fixed
    others = family.members[model.constant[family.members]]
    staying = at[others] == prepared.home[others]
    np.add.at(most, at[others], np.where(staying, family.resident[others], family.arrival[others]))
    reached: Ints = np.where(reach.any(axis=0), most, np.iinfo(np.int64).min)
    return reached


def _settled(model: PlacementModel) -> list[Ints]:
    """The constant units on each host."""
    units = np.flatnonzero(model.constant)
    at = model.scope.at[units]
    order = np.argsort(at, kind="stable")
    bounds = np.searchsorted(at[order], np.arange(1, len(model.prepared.hosts)))
    return np.split(units[order], bounds)


def post_groups(model: PlacementModel) -> None:
    """A group that is spread tonight goes to a further host only as a whole."""
    for group in model.prepared.groups:
        if model.constant[group.units].all():
            continue
        outside = [host for host in range(len(model.prepared.hosts)) if host not in group.hosts]
        for host in outside:
            _post_together(model, group, host)


def terms_of(model: PlacementModel, limit: Limit, reach: Ints, settled: Sequence[Ints]) -> Terms:
    """Who weighs on *limit*: *reach* are the free units with a weight in its family, *settled* the others by host."""
    prepared = model.prepared
    family = prepared.families[limit.family]
    resident, weights = _weights(prepared, limit, reach)
    grid = model.variable[np.ix_(reach, limit.hosts)]
    row, column = np.nonzero(grid >= 0)
    heavy = weights[row] > 0
    joining = ~resident[row] & heavy
    pairs = grid[row, column]
    there = np.concatenate([settled[host] for host in limit.hosts])
    stayed, held = _weights(prepared, limit, there)
    return Terms(
        pairs=pairs[heavy],
        weights=weights[row][heavy],
        joining=pairs[joining],
        constant=int(family.fixed[limit.hosts].sum() + held.sum()),
        joined=bool((~stayed & (held > 0)).any()),
    )


def _weights(prepared: Prepared, limit: Limit, units: Ints) -> tuple[Bools, Ints]:
    """Which of *units* are on the hosts of *limit* tonight, and what each weighs there."""
    resident = limit.covers(prepared.home[units])
    family = prepared.families[limit.family]
    return resident, np.where(resident, family.resident[units], family.arrival[units])


def _post_whole(model: PlacementModel, limit: Limit, terms: Terms) -> None:
    """The weights fit, unless they cannot but fit."""
    room = max(limit.upper, 0) - terms.constant
    if terms.weights.sum() > room:
        model.at_most(terms.pairs, terms.weights, room)


def _post_broken(model: PlacementModel, limit: Limit, terms: Terms) -> None:
    """Somebody joins only if the weights then fit."""
    if not len(terms.joining):
        return
    joining = terms.joining
    joined = model.whole_number(1, lambda chosen: int(chosen[joining].any()))
    for pair in joining.tolist():
        model.implies(pair, joined)
    model.at_most(terms.pairs, terms.weights, max(limit.upper, 0) - terms.constant, given=joined)


def _post_together(model: PlacementModel, group: Group, host: int) -> None:
    """All members on *host*, or none."""
    variables = [int(each) for each in model.variable[group.units, host] if each >= 0]
    constants = group.units[model.constant[group.units]]
    if len(constants) and (model.scope.at[constants] == host).all() and not group.fixed:
        for variable in variables:
            model.fix(variable, 1)
    elif group.fixed or len(variables) < len(group.units):
        for variable in variables:
            model.fix(variable, 0)
    else:
        for variable in variables[1:]:
            model.implies(variable, variables[0])
            model.implies(variables[0], variable)
