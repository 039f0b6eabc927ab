"""Who has come from another pool is not touched again."""

from __future__ import annotations

from rebalancer.inventory import VM
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, VMRule


class CrossedStays(VMRule):
    """A plan names drives, disks and interfaces of the pool where the VM was: none of these is in the other one."""

    id = "crossed-stays"
    sentence = "A VM that came from another pool by this plan is moved by no later step, and not by the way back."
    source = "import.ml: a VM keeps its uuid; its VBDs, VDIs and VIFs are made anew"
    origin = Origin.XAPI
    code = "UUID_INVALID"

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A VM that is in another pool than when the plan began."""
        began = problem.start.host_of.get(vm.uuid)
        if began is None or problem.pool.of_host(began) is problem.pool.of_vm(vm):
            return None
        words = (
            f"has come from pool {problem.pool.of_host(began).called}, where its disks and interfaces had other names: "
            "rollback leads it home once it is there"
        )
        return self.objection(
            words, remedy="read both pools again and make a plan of its own", disruption=Disruption.WAIT
        )
