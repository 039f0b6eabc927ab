"""How much is broken, in the model: only what is broken now can be, and wishes."""

from __future__ import annotations

from math import gcd

import numpy as np

from rebalancer.objectives import Measure
from rebalancer.solve.instance.instance import Ints
from rebalancer.solve.instance.rows import Group, Limit
from rebalancer.solve.model.objective_terms import number_of
from rebalancer.solve.model.variables import Assignment


def breaches(model: Assignment) -> Measure:
    """Excess of all limits that may be broken, in their units, and hosts too many of all groups."""
    counted, left = _reachable(model)
    limits = [_excess(model, limit) for limit in left]
    groups = [_spread(model, group) for group in model.instance.breakable_groups]
    variables = [each for found, _ in [*limits, *groups] for each in found]
    # At most all units are on the worst host, and every group on all hosts.
    families, hosts = model.instance.families, len(model.instance.hosts)
    most = sum(_units(families[limit.family].most, limit) for limit in model.instance.breakable_limits)
    offset = counted + sum(offset for _, offset in [*limits, *groups])
    return number_of(variables, offset=offset, largest=most + len(groups) * hosts)


def breaches_above(model: Assignment, limit: Limit) -> Measure:
    """Excess of one *limit* that may be broken, in its units."""
    variables, offset = _excess(model, limit)
    return number_of(variables, offset=offset, largest=_units(model.instance.families[limit.family].most, limit))


def _reachable(model: Assignment) -> tuple[int, list[Limit]]:
    """Breaches of limits that no free unit weighs on, and the other limits that may be exceeded."""
    instance, constant = model.instance, np.flatnonzero(model.constant)
    single = instance.breakable
    there = single.held(constant, model.scope.at[constant]) + single.fixed[single.host, single.family]
    coming = single.held(model.units, model.at_hosts)
    settled = int(single.breaches(there)[coming == 0].sum())
    open_to = np.flatnonzero((coming > 0) & (single.breaches(there + coming) > 0)).tolist()
    several = [limit for limit in instance.breakable_limits if len(limit.hosts) > 1]
    return settled, [*(single.limits[number] for number in open_to), *several]


def _excess(model: Assignment, limit: Limit) -> tuple[list[int], int]:
    """Whole units above *limit*: a variable, and what stays whoever leaves."""
    instance = model.instance
    weight = instance.families[limit.family].resident
    here = limit.covers(model.at_hosts) & (weight[model.units] > 0)
    pairs = np.flatnonzero(here)
    weights = weight[model.units[pairs]]
    there = model.constant & limit.covers(model.scope.at)
    constant = int(instance.families[limit.family].fixed[limit.hosts].sum() + weight[there].sum())
    most = _units(int(weights.sum()) + constant, limit)
    if not len(pairs) or not most:
        return [], most

    def derived(chosen: np.ndarray[tuple[int], np.dtype[np.int64]]) -> int:
        return _units(int(weights @ chosen[pairs]) + constant, limit)

    excess = model.whole_number(most, derived)
    divisor = gcd(limit.unit, *weights.tolist())
    coefficients = [*(weights // divisor).tolist(), -(limit.unit // divisor)]
    if limit.upper < 0 and not constant:
        _post_occupied(model, limit, pairs.tolist(), weights.tolist(), excess)
    else:
        model.at_most([*pairs.tolist(), excess], coefficients, (limit.upper - constant) // divisor)
    return [excess], 0


def _post_occupied(model: Assignment, limit: Limit, pairs: list[int], weights: list[int], excess: int) -> None:
    model.at_most([*pairs, model.any_of(pairs), excess], [*weights, -limit.upper, -limit.unit], 0)


def _units(value: int, limit: Limit) -> int:
    """Whole units that *value* is above *limit*; none where nobody is."""
    return max(0, -((limit.upper - value) // limit.unit)) if value > 0 else 0


def _spread(model: Assignment, group: Group) -> tuple[list[int], int]:
    """Hosts too many of *group*: variables for those that it may be on besides the ones where it is anyway."""
    at = set(model.scope.at[group.units[model.constant[group.units]]].tolist()) | group.fixed
    variables = []
    for host in range(len(model.instance.hosts)):
        pairs = [int(each) for each in model.variable[group.units, host] if each >= 0]
        if pairs and host not in at:
            variables.append(model.any_of(pairs))
    if at:
        return variables, len(at) - 1
    too_many = model.whole_number(len(variables), lambda chosen: max(0, _occupied(model, group, chosen) - 1))
    model.at_most([*variables, too_many], [*([1] * len(variables)), -1], 1)
    return [too_many], 0


def _occupied(model: Assignment, group: Group, chosen: Ints) -> int:
    grid = model.variable[group.units]
    return int(((grid >= 0) & (chosen[np.maximum(grid, 0)] > 0)).any(axis=0).sum())
