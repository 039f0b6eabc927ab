"""The bound of every host by itself: what has to leave it or stays as overload, had the others all the room."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from rebalancer.objectives import Repair
from rebalancer.solve.instance.evaluate import load_of, overload_limits
from rebalancer.solve.instance.instance import Bools, Instance, Ints
from rebalancer.solve.instance.rows import Limit
from rebalancer.solve.model.cp_sat import SolverAnswer, search
from rebalancer.solve.model.effort import Effort
from rebalancer.solve.model.objective_terms import Goal
from rebalancer.solve.model.tier import TierProblem
from rebalancer.solve.search.components import restricted

WORK = 0.5
"""Deterministic seconds for one host; most take a hundredth."""
SHARE = 0.1
"""Part of all work for all hosts together; those that it does not reach are bounded by 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone:
    """A bound in the objective's unit, and the work that it took."""

    bound: Fraction
    work: float


def per_host_bound(tier: TierProblem, effort: Effort) -> Alone:
    """What no placement is better than, in the objective's unit: the sum of what every host has to pay by itself.

    What VMs cost that leave is paid by the host that they leave, overload by the host that has it. Who arrives only
    adds to that, so the sum holds for all hosts together.

    Args:
        tier: loads rounded down; only repairs may be held, for what else is held is shared by all hosts.
        effort: of its work this takes a share.
    """
    instance = tier.instance
    if len(instance.hosts) == 1 or not all(isinstance(held.objective, Repair) for held in tier.held):
        return Alone(bound=Fraction(0), work=0.0)
    hot = np.any(load_of(instance, instance.home) > overload_limits(instance)[:, None], axis=1)
    hot[[limit.hosts[0] for limit in instance.breakable_limits if len(limit.hosts) == 1]] = True
    bound, work, most = Fraction(0), 0.0, effort.deterministic * SHARE
    for host in np.flatnonzero(hot):
        if work >= most or effort.until.passed:
            break
        goal, answer = _of_host(tier, int(host), replace(effort, deterministic=min(WORK, most - work)))
        bound, work = bound + answer.bound * goal.worth, work + answer.deterministic
    return Alone(bound=bound, work=work)


def _of_host(tier: TierProblem, host: int, effort: Effort) -> tuple[Goal, SolverAnswer]:
    part = _with_a_way_out(tier.instance, host)
    alone = replace(tier, instance=part, forbidden=())
    scope = replace(alone.whole(), watched=np.broadcast_to(np.array([[True], [False]]), part.base.shape))
    model, goal = alone.model(scope)
    return goal, search(model, goal, effort)


def _with_a_way_out(instance: Instance, host: int) -> Instance:
    """*host* with what is on it now, and one place without limits for all that can leave it."""
    units = np.flatnonzero(instance.home == host)
    elsewhere = 0 if host else len(instance.hosts) - 1
    alone = replace(
        instance,
        limits=_of(host, instance.limits),
        soft_limits=_of(host, instance.soft_limits),
        groups=(),
        soft_groups=(),
        disks=replace(instance.disks, tight={}),
    )
    part = restricted(alone, np.array([host, elsewhere]), units)
    others = instance.legal[units]
    others[:, host] = False
    return replace(
        part,
        legal=np.column_stack([instance.legal[units, host], others.any(axis=1)]),
        moves=replace(part.moves, extra=_least_extra(instance.moves.extra[units], others)),
        copied=replace(part.copied, extra=_least_extra(instance.copied.extra[units], others)),
    )


def _least_extra(extra: Ints, others: Bools) -> Ints:
    """What the cheapest of the *others* costs each unit on top, shape (units, 2); home comes first, for nothing."""
    least = np.where(others, extra, extra.max(initial=0)).min(axis=1)
    return np.column_stack([np.zeros_like(least), least])


def _of(host: int, limits: tuple[Limit, ...]) -> tuple[Limit, ...]:
    return tuple(replace(each, hosts=np.array([0])) for each in limits if each.hosts.tolist() == [host])
