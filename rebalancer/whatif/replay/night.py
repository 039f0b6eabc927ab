"""A night of a replay: what somebody knows who decides in it, and what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from rebalancer.demand.recording import Recording
from rebalancer.execute import cooled_after
from rebalancer.inventory import Pool, Uuid
from rebalancer.placement import Placement
from rebalancer.planner.patience import resting
from rebalancer.policy import DemandPolicy, Policy
from rebalancer.problem import Problem, make_problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """The pool as it stands at one moment of a recording.

    Args:
        at: the moment; plans know what was recorded before it.
        pool: the pool, its VMs where earlier nights have brought them.
        recording: the whole of it.
        moved_at: when each VM last moved, of those that did.
    """

    at: datetime
    pool: Pool
    recording: Recording
    moved_at: Mapping[Uuid, datetime] = field(default_factory=dict)

    def problem(self, policy: Policy) -> Problem:
        """What a plan of this night would be made for, by the days before; VMs that cool down stay.

        Raises:
            MetricsRefused: too little is known of them.
            PolicyError: the policy does not fit the pool.
        """
        profile = self.recording.profile(self.pool, policy.demand, self.at)
        return resting(make_problem(self.pool, profile, self._cooled(policy)))

    def in_hindsight(self, policy: Policy) -> Problem:
        """The same for somebody who knows the day after, hour by hour."""
        plain = self._cooled(policy).model_copy(update={"demand": DemandPolicy(slots=24, window_days=1)})
        return resting(make_problem(self.pool, self.recording.came(self.pool, self.at), plain))

    def _cooled(self, policy: Policy) -> Policy:
        since = self.at - timedelta(hours=policy.limits.cool_down_hours)
        warm = {vm: moved for vm, moved in self.moved_at.items() if moved > since}
        return cooled_after(policy, self.pool, warm) if warm else policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Where VMs are to be from this night on, and what led there, in words."""

    placement: Placement
    words: str
    planned: bool = True
    """Whether there was an answer at all: metrics may be refused, and rules may leave none."""


class Contender(Protocol):
    """Somebody who decides each night."""

    @property
    def name(self) -> str:
        """How tables call it."""

    @property
    def policy(self) -> Policy:
        """Whose rules bind, and by whose prices its nights are judged in hindsight."""

    def decide(self, night: Night) -> Decision:
        """Where the VMs are to be."""
