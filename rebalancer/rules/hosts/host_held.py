"""A host that is held as it is takes nobody."""

from __future__ import annotations

from rebalancer.inventory import Host
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import HostRule, Objection, Origin
from rebalancer.rules.hosts.target_live import BRING_BACK


class HostHeld(HostRule):
    """What it has room for is not known, or whether it lives."""

    id = "host-held"
    sentence = "A host that is sick, or does not say what plans rest on, takes no VM."
    source = "docs/held.md: a number that nobody said is no number"
    origin = Origin.POLICY
    binds_way_back = False

    def objects(self, host: Host, problem: Problem) -> Objection | None:
        """A host that is held."""
        reason = problem.held.hosts.get(host.uuid)
        if reason is None:
            return None
        words = f"is held as it is: it {reason.words}"
        remedy = BRING_BACK if host.live is False else reason.fix
        return self.objection(words, remedy=remedy, disruption=Disruption.POOL)
