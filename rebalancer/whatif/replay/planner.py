"""Those who plan by a policy: what `rebalance` would have chosen in a night, without its order."""

from __future__ import annotations

from dataclasses import dataclass

from rebalancer.errors import Infeasible, MetricsRefused
from rebalancer.placement import Placement
from rebalancer.policy import Policy
from rebalancer.rules import Rulebook
from rebalancer.solve import Budget, Deadline, solve
from rebalancer.whatif.replay.night import Decision, Night


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """A policy under the name by which tables call it; work alone ends its search, never the clock."""

    name: str
    policy: Policy

    def decide(self, night: Night) -> Decision:
        """The placement that the solver finds; tonight's where it refuses the metrics, or a plan would be refused."""
        try:
            problem = night.problem(self.policy)
            found = solve(Rulebook.of(problem), budget=Budget(self.policy.limits, until=Deadline()))
        except (Infeasible, MetricsRefused) as error:
            return Decision(placement=_stay(night, self.policy), words=str(error), planned=False)
        moves, share = len(problem.initial.moves_to(found.placement)), self.policy.limits.sanity_share
        if moves > share * len(problem.initial):
            words = f"{moves} VMs would move, more than limits.sanity_share lets pass"
            return Decision(placement=problem.initial, words=words, planned=False)
        return Decision(placement=found.placement, words=found.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """Nobody moves anything."""

    policy: Policy
    name: str = "nothing"

    def decide(self, night: Night) -> Decision:
        """Tonight's placement."""
        return Decision(placement=_stay(night, self.policy), words="nothing moves")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindsight:
    """Plans by a policy, knowing the day after: what no plan can know, to compare with."""

    policy: Policy
    name: str = "hindsight"

    def decide(self, night: Night) -> Decision:
        """The placement that the solver finds for the day that came."""
        found = solve(Rulebook.of(night.in_hindsight(self.policy)), budget=Budget(self.policy.limits, until=Deadline()))
        return Decision(placement=found.placement, words=found.reason)


def _stay(night: Night, policy: Policy) -> Placement:
    return night.in_hindsight(policy).initial
