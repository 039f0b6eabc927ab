"""Nobody blocked the migration of the VM."""

from __future__ import annotations

from rebalancer.inventory import VM
from rebalancer.problem import Problem
from rebalancer.rules.base import Objection, Origin, VMRule


class OpNotBlocked(VMRule):
    """`VM.blocked_operations` is how operators say "never migrate"; an empty reason blocks as well as any other."""

    id = "op-not-blocked"
    sentence = "The VM's blocked_operations does not name pool_migrate."
    source = "xapi_vm_lifecycle.ml: check_operation_error; XCP-ng docs, vms/advanced"
    origin = Origin.XAPI
    code = "OPERATION_BLOCKED"

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """`pool_migrate` among the blocked operations."""
        if "pool_migrate" not in vm.blocked_operations:
            return None
        reason = vm.blocked_operations["pool_migrate"] or "no reason given"
        return self.objection(
            f"its operation pool_migrate is blocked: {reason}",
            remedy="remove pool_migrate from the VM's blocked_operations",
        )
