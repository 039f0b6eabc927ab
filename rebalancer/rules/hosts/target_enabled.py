"""A disabled host takes nobody."""

from __future__ import annotations

from rebalancer.inventory import Host
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import HostRule, Objection, Origin


class TargetEnabled(HostRule):
    """A disabled host, which includes maintenance mode, keeps its VMs but takes no others."""

    id = "target-enabled"
    sentence = "The target host is enabled."
    source = "xapi_vm_helpers.ml: assert_host_is_enabled"
    origin = Origin.XAPI
    code = "HOST_DISABLED"
    spares_residents = True

    def objects(self, host: Host, problem: Problem) -> Objection | None:
        """A host that is not enabled."""
        return (
            None
            if host.enabled
            else self.objection("is disabled", remedy="enable the host", disruption=Disruption.POOL)
        )
