"""Rows for the model of a pool that say what every host pays by itself: its linear relaxation does not see it.

By itself a host sheds whole VMs, and keeps whole VMs. In a linear relaxation of the pool it sheds parts of those that
relieve it best, which costs less. So each host gets a row: what its VMs cost that leave, and its overload, are no less
than what it pays had the others all the room. Bounds then begin where the sum of all hosts ends.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from rebalancer.objectives import Repair
from rebalancer.solve.model.effort import Effort
from rebalancer.solve.model.objective_terms import Goal
from rebalancer.solve.model.placement_model import PlacementModel
from rebalancer.solve.model.tier import TierProblem
from rebalancer.solve.search.per_host_bound import SHARE, HostCosts, hot


def post_host_rows(model: PlacementModel, goal: Goal, tier: TierProblem, effort: Effort) -> float:
    """State in *model* of the whole *tier* what each host pays at least of *goal*, and return the work that it took.

    Args:
        model: every unit may move in it; what load its scope counts is what hosts pay for.
        goal: a sum of what is paid; without rounded worths, or no rows are posted.
        tier: loads rounded down; only repairs may be held, for what else is held is shared by all hosts.
        effort: of its work this takes a share.
    """
    if goal.shortfall or len(tier.instance.hosts) == 1 or not all(isinstance(h.objective, Repair) for h in tier.held):
        return 0.0
    costs = HostCosts(tier, model.scope, effort.part(SHARE))
    terms = _terms_of_hosts(model, goal)
    for host in np.flatnonzero(hot(tier.instance)).tolist():
        # Its last cost is the one with most left broken, and holds however much is.
        least = costs.costs(host)[-1] or Fraction(0)
        constant = costs.constants.get(host, Fraction(0)) / goal.worth
        if least > 0 and constant.denominator == 1:
            variables, coefficients = list(terms[host]), [-each for each in terms[host].values()]
            model.at_most(variables, coefficients, int(constant) - goal.number(least))
    return costs.work


def _terms_of_hosts(model: PlacementModel, goal: Goal) -> list[dict[int, int]]:
    """The coefficients of *goal* by host and variable: of overload there, and of units that leave it."""
    owners = dict(enumerate(model.instance.home[model.units].tolist()))
    owners |= {variable: rows.host for rows in model.load_rows for each in rows.excess for variable in each}
    found: list[dict[int, int]] = [{} for _ in model.instance.hosts]
    for variable, coefficient in zip(goal.variables, goal.coefficients, strict=True):
        terms = found[owners[variable]]
        terms[variable] = terms.get(variable, 0) + coefficient
    return found
