"""How many hosts are in use, in the model: one variable a host, tied to what is there by the rows that bind it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rebalancer.inventory import Uuid
from rebalancer.objectives import Measure
from rebalancer.solve.instance.instance import Instance, Ints
from rebalancer.solve.model.objective_terms import number_of
from rebalancer.solve.model.variables import Assignment

TIGHTEST_SLOTS = 3
"""Slots in which the load of a host is tied to its being in use: the ones with the most demand."""


def occupied(model: Assignment, always: frozenset[Uuid]) -> Measure:
    """How many hosts somebody is on; those in *always* count whoever is there."""
    instance = model.instance
    sure = occupied_anyway(instance, always)
    sure[model.scope.at[model.constant]] = True
    variables = [variable for host in np.flatnonzero(~sure) for variable in _of_host(model, int(host))]
    return number_of(variables, offset=int(sure.sum()), largest=len(instance.hosts))


def occupied_anyway(instance: Instance, always: frozenset[Uuid]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Hosts that are in *always*, or that hold a VM that cannot move, shape (hosts,)."""
    held = {host for vm, host in instance.problem.initial.host_of.items() if vm not in instance.unit_of} | always
    return np.array([host in held for host in instance.hosts], dtype=np.bool_)


def _of_host(model: Assignment, host: int) -> Iterator[int]:
    pairs = np.flatnonzero(model.at_hosts == host)
    if not len(pairs):
        return
    in_use = model.any_of(pairs.tolist())
    for weights, room in _memory_rows(model, host, pairs):
        model.at_most([*pairs.tolist(), in_use], [*weights.tolist(), -room], 0)
    _post_load(model, host, in_use)
    yield in_use


def _memory_rows(model: Assignment, host: int, pairs: Ints) -> Iterator[tuple[Ints, int]]:
    instance = model.instance
    units = model.units[pairs]
    for limit in instance.limits:
        if limit.hosts.tolist() == [host] and not limit.closed:
            family = instance.families[limit.family]
            weights = np.where(instance.home[units] == host, family.resident[units], family.arrival[units])
            room = limit.most - int(family.fixed[host])
            if 0 <= room < int(weights.sum()):
                yield weights, room


def _post_load(model: Assignment, host: int, in_use: int) -> None:
    """A host that is not in use carries nothing: stated for its tightest slots, which makes relaxations tight."""
    for rows in model.load_rows:
        if rows.host == host:
            order = np.argsort(-rows.demand.sum(axis=0), kind="stable")
            for slot in order[:TIGHTEST_SLOTS].tolist():
                above = rows.excess[slot]
                variables = [*rows.pairs.tolist(), *above, in_use]
                terms = [*rows.demand[:, slot].tolist(), *[-1] * len(above), -int(rows.room[slot])]
                model.at_most(variables, terms, 0)
