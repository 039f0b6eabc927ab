"""VMs on a host that is held as it is stay there."""

from __future__ import annotations

from rebalancer.inventory import VM
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, VMRule


class StaysOnHeldHost(VMRule):
    """Whether it would do better elsewhere nobody knows; but it leaves a host that is to be emptied.

    Not one that a tag holds: no run takes anybody from there.
    """

    id = "stays-on-held-host"
    sentence = "A VM on a host that is held as it is stays there, unless the host is to be emptied."
    source = "docs/held.md: a number that nobody said is no number"
    origin = Origin.POLICY
    binds_way_back = False

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A VM on a held host."""
        reason = None if vm.resident_on is None else problem.held.hosts.get(vm.resident_on)
        if reason is None or vm.resident_on in problem.intent.empty.keys() - problem.on_hold:
            return None
        name = problem.names.hosts[vm.resident_on or ""]
        words = f"stays on host '{name}', which is held as it is: it {reason.words}"
        return self.objection(words, remedy=reason.fix, disruption=Disruption.POOL)
