"""Planning by single moves alone: quick, near to what the search finds, and without a bound, repairs or swaps.

So one can look for prices and forms of demand over many nights and pools, where a search for each would take days.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rebalancer.errors import MetricsRefused
from rebalancer.objectives import Balance
from rebalancer.policy import Policy
from rebalancer.rules import Rulebook
from rebalancer.solve.instance.evaluate import load_levels
from rebalancer.solve.instance.instance import instance_of
from rebalancer.solve.instance.tolls import tolls
from rebalancer.solve.model.tier import TierProblem, placement_of
from rebalancer.solve.search.local_search import local_search
from rebalancer.whatif.replay import Decision, Night


@dataclass(frozen=True, slots=True, kw_only=True)
class Descent:
    """A policy whose nights are planned by single moves, each of which earns what it costs by the policy's prices."""

    name: str
    policy: Policy

    def decide(self, night: Night) -> Decision:
        """Where moves lead until none pays; tonight's placement where all together gain less than they have to."""
        stay = night.in_hindsight(self.policy).initial
        try:
            book = Rulebook.of(night.problem(self.policy))
        except MetricsRefused as error:
            return Decision(placement=stay, words=str(error), planned=False)
        instance = instance_of(book)
        tier = TierProblem(instance=instance, objective=Balance())
        found = local_search(tier, instance.home, load_levels(instance), most=math.inf, toll=tolls(instance))
        placement = placement_of(instance, found.at)
        before, after = (Balance().value(each, book) for each in (book.problem.initial, placement))
        enough = before - after >= self.policy.limits.minimum_gain_pcpu_hours
        return Decision(placement=placement if enough else stay, words="")
