"""A VM that is never to be moved stays."""

from __future__ import annotations

from rebalancer.inventory import VM
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, VMRule


class NeverMove(VMRule):
    """The operator's word, in the policy or as a tag; for VMs that are left alone it does not hold in maintenance."""

    id = "never-move"
    sentence = "A VM that the policy or a tag marks as never to be moved stays where it is."
    source = (
        "the policy's never_move and leave_alone; tags rebalancer:never-move, rebalancer:leave-alone and "
        "xo:load:balancer:ignore"
    )
    origin = Origin.POLICY

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A VM that somebody marked."""
        wish = problem.intent.never_move.get(vm.uuid)
        if wish is None:
            return None
        remedy = "change the policy or the tag"
        return self.objection(f"is to stay where it is: {wish}", remedy=remedy, disruption=Disruption.POLICY)
