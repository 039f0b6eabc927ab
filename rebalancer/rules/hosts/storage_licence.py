"""The pool's licence allows Storage XenMotion."""

from __future__ import annotations

from rebalancer.inventory import VM
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, VMRule


class StorageLicence(VMRule):
    """Unlike for XenMotion, a licence that does not say so does not allow it."""

    id = "storage-licence"
    sentence = "The pool's licence says that Storage XenMotion is not restricted."
    source = "xapi_vm_migrate.ml: assert_licensed_storage_motion; features.ml"
    origin = Origin.XAPI
    code = "LICENCE_RESTRICTION"

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """`restrict_storage_xen_motion`."""
        pool = problem.pool.of_vm(vm)
        if pool.restrictions.get("restrict_storage_xen_motion") == "false":
            return None
        whose = f"the licence of pool {pool.called}" if len(problem.pool.members) > 1 else "the pool's licence"
        return self.objection(f"{whose} does not allow Storage XenMotion", remedy="apply a licence that does")
