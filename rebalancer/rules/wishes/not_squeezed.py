"""A VM that a migration would squeeze too far stays."""

from __future__ import annotations

from rebalancer.inventory import VM
from rebalancer.policy import Squeezing
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, VMRule
from rebalancer.squeeze import choice_for, enough_mib, key_for, squeeze_of


class NotSqueezed(VMRule):
    """The operator's word; an evacuation does not overrule it, but is told the fix."""

    id = "not-squeezed"
    sentence = "A VM that a migration squeezes to its dynamic minimum stays, where the policy's squeeze forbids that."
    source = "the policy's squeeze.below_use, unknown_use, above_use; xenops_server.ml: VM_migrate"
    origin = Origin.POLICY

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A VM that would be left too little."""
        squeeze, policy = squeeze_of(vm, problem.demand), problem.policy.squeeze
        if squeeze is None or choice_for(squeeze, policy) is not Squeezing.FORBID:
            return None
        enough, key = enough_mib(squeeze, policy), key_for(squeeze, policy)
        remedy = f"raise its dynamic minimum to {enough} MiB, or set squeeze.{key} in the policy"
        return self.objection(squeeze.words, remedy=remedy, disruption=Disruption.POLICY)
