"""Nobody blocked the migration of the VM."""

from __future__ import annotations

from dataclasses import replace

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, VMRule
from rebalancer.rules.facts.blocks import AFTER_BACKUP, block_in_words, is_backup


class OpNotBlocked(VMRule):
    """`VM.blocked_operations` is how operators say "never migrate"; an empty reason blocks as well as any other."""

    id = "op-not-blocked"
    sentence = "The VM's blocked_operations does not name the operation that is wanted."
    source = "xapi_vm_lifecycle.ml: check_operation_error; XCP-ng docs, vms/advanced"
    origin = Origin.XAPI
    code = "OPERATION_BLOCKED"

    def __init__(self, operation: str = "pool_migrate") -> None:
        self._operation = operation

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """The operation among the blocked ones."""
        words = block_in_words(self._operation, vm.blocked_operations)
        if words is None:
            return None
        if is_backup(vm.blocked_operations[self._operation]):
            return self.objection(words, remedy=AFTER_BACKUP, disruption=Disruption.WAIT)
        return self.objection(words, remedy=f"remove {self._operation} from the VM's blocked_operations")

    def mended(self, vm: VM, host: Host, problem: Problem) -> VM | None:
        """The VM without that entry."""
        kept = {each: why for each, why in vm.blocked_operations.items() if each != self._operation}
        return replace(vm, blocked_operations=kept)
