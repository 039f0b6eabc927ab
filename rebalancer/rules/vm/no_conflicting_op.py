"""Nothing else is being done to the VM."""

from __future__ import annotations

from rebalancer.inventory import VM
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, VMRule


class NoConflictingOp(VMRule):
    """A migration runs next to no other operation on the same VM: xapi lets it wait up to two hours, then refuses."""

    id = "no-conflicting-op"
    sentence = "No other operation on the VM is under way: xapi would let the migration wait for it."
    source = "xapi_vm_lifecycle.ml: is_allowed_concurrently; helpers.ml: retry"
    origin = Origin.XAPI
    code = "OTHER_OPERATION_IN_PROGRESS"

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """Any operation under way."""
        if not vm.current_operations:
            return None
        return self.objection(
            f"another operation is under way: {', '.join(vm.current_operations)}", remedy="wait until it ends"
        )
