"""XAPI knows what kind of domain the VM is."""

from __future__ import annotations

from rebalancer.inventory import VM, DomainType, PowerState
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, VMRule

ANEW = "shut it down and start it again: XAPI then writes down what it is"


class DomainTypeKnown(VMRule):
    """The very first thing that xapi looks up; a database that does not say makes the call fail."""

    id = "domain-type-known"
    sentence = "The VM has a metrics object that says what kind of domain it is."
    source = "helpers.ml: domain_type, check_domain_type"
    origin = Origin.XAPI
    code = "INTERNAL_ERROR"

    def __init__(self, missing: str = "HANDLE_INVALID") -> None:
        self._missing = missing

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """No metrics while it lives, or a type that is unspecified."""
        if vm.power_state is PowerState.HALTED:
            return self._unspecified(vm.domain_type)
        if vm.metrics is None:
            return self.objection(
                "has no metrics object", code=self._missing, remedy=ANEW, disruption=Disruption.REBOOT
            )
        return self._unspecified(vm.metrics.current_domain_type)

    def _unspecified(self, kind: DomainType | None) -> Objection | None:
        """None below XenServer 7.5, where the field does not exist."""
        if kind is not DomainType.UNSPECIFIED:
            return None
        return self.objection("its domain type is unspecified", remedy=ANEW, disruption=Disruption.REBOOT)
