"""A control domain stays on its host."""

from __future__ import annotations

from rebalancer.inventory import VM
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, VMRule


class NotControlDomain(VMRule):
    """dom0 is part of its host."""

    id = "not-control-domain"
    sentence = "The VM is not a control domain."
    source = "xapi_vm_lifecycle.ml: check_operation_error"
    origin = Origin.XAPI
    code = "OPERATION_NOT_ALLOWED"

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A control domain."""
        return self.objection("is a control domain") if vm.is_control_domain else None
