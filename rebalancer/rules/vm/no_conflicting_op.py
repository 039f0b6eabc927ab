"""Nothing else is being done to the VM."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, VMRule

WAIT = "wait until it ends"


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
        words = f"another operation is under way: {', '.join(vm.current_operations)}"
        ghosts = Counter(vm.ghost_operations)
        if not ghosts:
            return self.objection(words, remedy=WAIT, disruption=Disruption.WAIT)
        host = problem.names.hosts.get(vm.resident_on or "", "")
        restart = f"restart the toolstack{f' on host {host!r}' if host else ''}"
        if living := sorted((Counter(vm.current_operations) - ghosts).elements()):
            remedy = (
                f"wait until {', '.join(living)} ends; no task of {', '.join(sorted(ghosts))} exists: then {restart}"
            )
        else:
            remedy = f"no task of it exists: {restart}"
        return self.objection(words, remedy=remedy, disruption=Disruption.POOL)

    def mended(self, vm: VM, host: Host, problem: Problem) -> VM | None:
        """The VM at rest."""
        return replace(vm, current_operations=(), ghost_operations=())
