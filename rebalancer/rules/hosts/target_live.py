"""A host that is not live takes nobody."""

from __future__ import annotations

from typing import Final

from rebalancer.held import RESTART_TOOLSTACK
from rebalancer.inventory import Host
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import HostRule, Objection, Origin

BRING_BACK: Final = "bring the host back"
"""What makes a dead host take VMs; declared dead, it takes none either."""


class TargetLive(HostRule):
    """xapi asks the host's metrics object whether the host is live; without one it is not."""

    id = "target-live"
    sentence = "The target host is live."
    source = "xapi_vm_helpers.ml: assert_host_is_live"
    origin = Origin.XAPI
    code = "HOST_NOT_LIVE"

    def objects(self, host: Host, problem: Problem) -> Objection | None:
        """A host that is not live, or of which nobody knows."""
        if host.live:
            return None
        if host.live is False:
            return self.objection("is not live", remedy=BRING_BACK, disruption=Disruption.POOL)
        words = "has no metrics, so that nobody knows whether it lives"
        return self.objection(words, remedy=RESTART_TOOLSTACK, disruption=Disruption.POOL)
