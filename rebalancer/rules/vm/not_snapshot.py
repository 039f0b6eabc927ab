"""A snapshot is no VM to migrate."""

from __future__ import annotations

from rebalancer.inventory import VM
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, VMRule


class NotSnapshot(VMRule):
    """Snapshots are VM records; they are not migrated by themselves."""

    id = "not-snapshot"
    sentence = "The VM is not a snapshot."
    source = "xapi_vm_lifecycle.ml: check_snapshot"
    origin = Origin.XAPI
    code = "VM_IS_SNAPSHOT"

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A snapshot or a checkpoint."""
        return self.objection("is a snapshot") if vm.is_a_snapshot else None
