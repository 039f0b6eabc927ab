"""The pool's licence allows XenMotion."""

from __future__ import annotations

from rebalancer.inventory import VM
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, VMRule


class Licence(VMRule):
    """The last thing that xapi asks, on the source host; a licence that does not say allows it."""

    id = "licence"
    sentence = "The pool's licence does not restrict XenMotion."
    source = "xapi_vm_migrate.ml: pool_migrate; features.ml: enabled_when_unknown"
    origin = Origin.XAPI
    code = "LICENCE_RESTRICTION"

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """`restrict_xen_motion`."""
        if problem.pool.of_vm(vm).restrictions.get("restrict_xen_motion") != "true":
            return None
        return self.objection("the pool's licence does not allow XenMotion", remedy="apply a licence that does")
