"""A template does not migrate live, and one of the product's own not at all."""

from __future__ import annotations

from rebalancer.inventory import VM
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, VMRule


class NotTemplate(VMRule):
    """Templates are not migrated, even if one of them should run."""

    id = "not-template"
    sentence = "The VM is not a template."
    source = "xapi_vm_lifecycle.ml: check_template"
    origin = Origin.XAPI
    code = "VM_IS_TEMPLATE"

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A template that is not a snapshot: snapshots have a rule of their own."""
        return self.objection("is a template") if vm.is_a_template and not vm.is_a_snapshot else None


class NotDefaultTemplate(VMRule):
    """A template of the operator's may move its disks."""

    id = "not-default-template"
    sentence = "The VM is not one of the product's own templates."
    source = "xapi_vm_lifecycle.ml: check_template"
    origin = Origin.XAPI
    code = "VM_IS_TEMPLATE"

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A template that came with the product."""
        found = vm.is_a_template and not vm.is_a_snapshot and vm.is_default_template
        return self.objection("is a template of the product") if found else None
