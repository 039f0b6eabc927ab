"""A VM that is never to be moved stays."""

from __future__ import annotations

from rebalancer.inventory import VM
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, VMRule


class NeverMove(VMRule):
    """The operator's word, in the policy or as a tag; an evacuation does not overrule it."""

    id = "never-move"
    sentence = "A VM that the policy or a tag marks as never to be moved stays where it is."
    source = "the policy's never_move; tags xo:load:balancer:ignore and rebalancer:never-move"
    origin = Origin.POLICY

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A VM that somebody marked."""
        wish = problem.intent.never_move.get(vm.uuid)
        if wish is None:
            return None
        remedy = "change the policy or the tag"
        return self.objection(f"is never to be moved: {wish}", remedy=remedy, disruption=Disruption.POLICY)
