"""How low balance could be: for comparisons after the event."""

from __future__ import annotations

from dataclasses import replace

from rebalancer.objectives import Balance
from rebalancer.rules import Rulebook
from rebalancer.solve.instance.instance import instance_of
from rebalancer.solve.model.effort import Budget
from rebalancer.solve.result.solution import SolveReporter
from rebalancer.solve.search.tiers import solve_tiers
from rebalancer.tier import TierResult


def lowest_balance(book: Rulebook, *, budget: Budget) -> TierResult:
    """The lowest balance found, and a bound below which no placement is that the hard rules of *book* allow.

    Nothing else holds for it: no repairs come first, and neither `maximum_moves`, `maximum_gib` nor a minimum gain
    counts. What was found may break rules that are judged as a whole; the bound holds for placements that keep them
    all the same.

    Example:
        >>> import rebalancer as rb
        >>> from rebalancer.solve import Budget, Deadline
        >>> model = rb.Model(rb.read("pool.json.gz"), rb.Policy(limits={"solve_seconds": 0.2}))
        >>> found = rb.solve.lowest_balance(model.rulebook, budget=Budget(model.policy.limits, until=Deadline()))
        >>> found.unit, found.bound <= found.after < found.before
        ('weighted pCPU-hours', True)
    """
    problem = book.problem
    limits = problem.policy.limits.model_copy(update={"maximum_moves": None, "maximum_gib": None})
    free = book.under(replace(problem, policy=problem.policy.model_copy(update={"limits": limits})))
    instance = instance_of(free)
    ladder = solve_tiers(
        instance, (Balance(),), start=instance.home, forbidden=(), budget=budget, reporter=SolveReporter()
    )
    return ladder.tiers[0]
