"""A template that came with the product stays."""

from __future__ import annotations

from rebalancer.inventory import VM
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, VMRule


class NotDefaultTemplate(VMRule):
    """A template of the operator's may move its disks."""

    id = "not-default-template"
    sentence = "The VM is not one of the product's own templates."
    source = "xapi_vm_lifecycle.ml: check_template"
    origin = Origin.XAPI
    code = "VM_IS_TEMPLATE"

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A default template."""
        found = vm.is_a_template and not vm.is_a_snapshot and vm.is_default_template
        return self.objection("is a template of the product") if found else None
