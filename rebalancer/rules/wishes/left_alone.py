"""A VM that moved, or whose move failed, is left alone for some nights."""

from __future__ import annotations

from rebalancer.inventory import VM
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, VMRule


class LeaveAlone(VMRule):
    """Planning binds it only where nothing hard is mended by moving the VM; see `planner.patience`."""

    id = "left-alone"
    sentence = "A VM that moved, or whose move failed, a short while ago stays, unless something hard needs it moved."
    source = "the policy's limits.cool_down_hours and leave_alone_nights"
    origin = Origin.POLICY

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A VM that moved or failed a short while ago."""
        why = problem.intent.left_alone.get(vm.uuid)
        if why is None:
            return None
        failed = any(each.vm == vm.uuid and each.failed_at for each in problem.policy.cooling)
        if failed:
            remedy = "mend the cause, and wait until it is tried again, or change limits.leave_alone_nights"
            return self.objection(f"is not tried: {why}", remedy=remedy, disruption=Disruption.WAIT)
        remedy = "wait until it has cooled down, or change limits.cool_down_hours"
        return self.objection(f"is not moved again: {why}", remedy=remedy, disruption=Disruption.WAIT)
