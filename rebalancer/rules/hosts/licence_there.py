"""The licence of the other pool allows Storage XenMotion, too."""

from __future__ import annotations

from rebalancer.inventory import Host
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import HostRule, Objection, Origin


class LicenceThere(HostRule):
    """Asked before any disk is looked at, of the pool that is to receive the VM."""

    id = "licence-there"
    sentence = "The licence of the target's pool says that Storage XenMotion is not restricted."
    source = "xapi_host.ml: migrate_receive; features.ml"
    origin = Origin.XAPI
    code = "LICENCE_RESTRICTION"

    def objects(self, host: Host, problem: Problem) -> Objection | None:
        """`restrict_storage_xen_motion`."""
        pool = problem.pool.of_host(host.uuid)
        if pool.restrictions.get("restrict_storage_xen_motion") == "false":
            return None
        return self.objection(
            f"the licence of pool {pool.called} does not allow Storage XenMotion", remedy="apply a licence that does"
        )
