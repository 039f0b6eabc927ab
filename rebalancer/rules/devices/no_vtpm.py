"""Before XAPI 23.13 no virtual TPM leaves its pool."""

from __future__ import annotations

from rebalancer.inventory import VM
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, VMRule


class NoVTPM(VMRule):
    """Later versions take it along."""

    id = "no-vtpm"
    sentence = "The VM has no virtual TPM (before XAPI 23.13)."
    source = "xapi_vm_migrate.ml: assert_can_migrate, until 790d99072732"
    origin = Origin.XAPI
    code = "NOT_IMPLEMENTED"
    until = (23, 13)

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A virtual TPM."""
        return (
            self.objection("has a virtual TPM, which this version of XAPI takes to no other pool") if vm.vtpms else None
        )
