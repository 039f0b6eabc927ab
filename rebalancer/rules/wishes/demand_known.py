"""A VM of whose load little is known stays."""

from __future__ import annotations

from rebalancer.demand import Quality
from rebalancer.held import MEND_METRICS
from rebalancer.inventory import VM
from rebalancer.policy import Mode
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, VMRule


class DemandKnown(VMRule):
    """Moving it could overload its new host; but it leaves a host that is to be emptied."""

    id = "demand-known"
    sentence = "A VM with too few CPU samples stays where it is, unless its host is to be emptied."
    source = "the policy's demand.minimum_coverage"
    origin = Origin.POLICY
    binds_way_back = False

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A VM that the load profile does not know well enough."""
        demand = problem.demand
        if demand is None or problem.policy.mode is Mode.EVACUATE or vm.resident_on in problem.intent.empty:
            return None
        if demand.quality.get(vm.uuid, Quality.UNKNOWN) is not Quality.UNKNOWN:
            return None
        if vm.uuid in demand.refused:
            return self.objection(f"its metrics say nothing: {demand.refused[vm.uuid]}", remedy=MEND_METRICS)
        share = problem.policy.demand.minimum_coverage
        return self.objection(
            f"its load is not known: under {share:.0%} of its CPU samples are there",
            remedy="wait for more samples, or lower demand.minimum_coverage in the policy",
            disruption=Disruption.WAIT,
        )
