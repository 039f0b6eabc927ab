"""During a rolling upgrade XAPI's own dry run refuses hosts that run another version than the coordinator."""

from __future__ import annotations

from rebalancer.inventory import Host
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import HostRule, Objection, Origin
from rebalancer.rules.core.versions import numbers


class CoordinatorVersion(HostRule):
    """pool_migrate itself would let it pass; but every step is dry-run before it is taken."""

    id = "coordinator-version"
    sentence = "While the pool is being upgraded, the target runs the coordinator's version: the dry run asks for it."
    source = "message_forwarding.ml: assert_can_boot_here; helpers.ml: Checks.RPU"
    origin = Origin.MANUAL
    code = "VM_HOST_INCOMPATIBLE_VERSION"

    def objects(self, host: Host, problem: Problem) -> Objection | None:
        """Another platform version or xapi than the coordinator's, while there is an upgrade."""
        pool = problem.pool.of_host(host.uuid)
        if not pool.rolling_upgrade:
            return None
        coordinator = problem.pool.hosts[pool.coordinator]
        for key in ("platform_version", "xapi"):
            here, there = (numbers(each.software_version.get(key, "0.0.0")) for each in (host, coordinator))
            if here != there:
                words = f"runs another {key} than the coordinator while the pool is being upgraded"
                return self.objection(words, remedy="upgrade the host, too", disruption=Disruption.POOL)
        return None
