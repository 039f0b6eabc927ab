"""A VM whose moves failed is left alone for some nights."""

from __future__ import annotations

from rebalancer.inventory import VM
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, VMRule


class LeaveAlone(VMRule):
    """Planning binds it only where no hard rule is kept by moving the VM; see `planner.patience`."""

    id = "left-alone"
    sentence = "A VM whose move failed stays while the policy has patience, unless a hard rule needs it moved."
    source = "the policy's limits.leave_alone_nights"
    origin = Origin.POLICY

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A VM that failed a short while ago."""
        why = problem.intent.left_alone.get(vm.uuid)
        if why is None:
            return None
        remedy = "mend the cause, and wait until it is tried again, or change limits.leave_alone_nights"
        return self.objection(f"is not tried: {why}", remedy=remedy, disruption=Disruption.WAIT)
