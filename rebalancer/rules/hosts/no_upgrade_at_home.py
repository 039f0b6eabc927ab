"""No VM leaves a pool that is being upgraded for another one."""

from __future__ import annotations

from rebalancer.inventory import VM
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, VMRule


class NoUpgradeAtHome(VMRule):
    """The records of the VM cannot be exported meanwhile; a mark in the other pool stops nothing."""

    id = "no-upgrade-at-home"
    sentence = "No rolling upgrade of the pool that the VM leaves is under way."
    source = "xapi_vm_lifecycle.ml: rpu_allowed_vm_operations have no metadata_export; importexport.ml"
    origin = Origin.XAPI
    code = "INTERNAL_ERROR"

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A pool that XAPI marked as being upgraded."""
        pool = problem.pool.of_vm(vm)
        if not pool.rolling_upgrade:
            return None
        words = f"pool {pool.called} is being upgraded, and XAPI lets no VM leave it meanwhile"
        return self.objection(words, remedy="finish the upgrade first", disruption=Disruption.POOL)
