"""High availability is off in both pools."""

from __future__ import annotations

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.base import Objection, Origin, PairRule


class HAOffInBoth(PairRule[str]):
    """XAPI would move it and take its protection away without a word; nor would it ask the other pool's HA."""

    id = "ha-off-in-both"
    sentence = "High availability is off in the pool that the VM leaves and in the one that it comes to."
    source = "XenServer 6.2 administrator's guide, 6.1; xapi_vm_migrate.ml: migrate_send resets ha_always_run"
    origin = Origin.POLICY
    code = None

    def needs(self, vm: VM, problem: Problem) -> str:
        """The name of the VM's pool where HA is on there, else nothing."""
        pool = problem.pool.of_vm(vm)
        return pool.called if pool.ha.enabled else ""

    def objects(self, needs: str, host: Host, problem: Problem) -> Objection | None:
        """HA on in either."""
        there = problem.pool.of_host(host.uuid)
        name = needs or (there.called if there.ha.enabled else "")
        if not name:
            return None
        return self.objection(f"HA is on in pool {name}", remedy="disable HA while VMs go from pool to pool")
