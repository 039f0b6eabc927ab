"""A template is no VM to migrate."""

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
