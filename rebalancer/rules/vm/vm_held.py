"""A VM that is held as it is stays."""

from __future__ import annotations

from rebalancer.inventory import VM
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, VMRule


class VMHeld(VMRule):
    """What it needs on another host is not known; that its own host is to be emptied tells nobody."""

    id = "vm-held"
    sentence = "A VM that is sick, or does not say what plans rest on, stays where it is."
    source = "docs/held.md: a number that nobody said is no number"
    origin = Origin.POLICY
    binds_way_back = False

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A VM that is held by itself, and not for want of metrics alone: `demand-known` is about those."""
        reason = problem.held.sick_vms.get(vm.uuid)
        if reason is None:
            return None
        words = f"is held as it is: it {reason.words}"
        return self.objection(words, remedy=reason.fix, disruption=Disruption.POOL)
