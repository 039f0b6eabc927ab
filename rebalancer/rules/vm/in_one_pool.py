"""A VM that two pools know stays where it is."""

from __future__ import annotations

from rebalancer.inventory import VM
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, VMRule


class InOnePool(VMRule):
    """A run tells VMs by their uuids, and only people can tell a leftover from a VM that is needed."""

    id = "in-one-pool"
    sentence = "No other pool that the plan is about has a VM of the same uuid."
    source = "a run stops where both pools know a VM"
    origin = Origin.POLICY

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A VM that was restored in both pools, or left behind by a migration."""
        pool = problem.pool
        if not pool.is_known_twice(vm.uuid):
            return None
        home = pool.of_vm(vm)
        others = ((there, pool.twin_in(there, vm.uuid)) for there in pool.members if there is not home)
        where = (f"'{twin.name}' in pool {there.called} ({twin.power_state.lower()})" for there, twin in others if twin)
        words, remedy = f"has the same uuid as {', '.join(where)}", "remove whichever of the two is not needed"
        return self.objection(words, remedy=remedy, disruption=Disruption.POLICY)
