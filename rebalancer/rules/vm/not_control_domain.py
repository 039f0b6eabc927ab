"""A control domain stays on its host."""

from __future__ import annotations

from rebalancer.inventory import VM, Host, Uuid
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, PairRule, VMRule


class NotControlDomain(VMRule):
    """dom0 is part of its host."""

    id = "not-control-domain"
    sentence = "The VM is not a control domain."
    source = "xapi_vm_lifecycle.ml: check_operation_error"
    origin = Origin.XAPI
    code = "OPERATION_NOT_ALLOWED"

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A VM that is a control domain."""
        return self.objection("is a control domain") if vm.is_control_domain else None


class ControlDomainHome(PairRule[Uuid]):
    """Asked of any VM that is to boot on a host, which is how xapi asks about Storage XenMotion."""

    id = "control-domain-home"
    sentence = "A control domain goes to no other host than its affinity."
    source = "xapi_vm_helpers.ml: assert_matches_control_domain_affinity"
    origin = Origin.XAPI
    code = "OPERATION_NOT_ALLOWED"

    def needs(self, vm: VM, problem: Problem) -> Uuid | None:
        """The host that a control domain names."""
        return vm.affinity if vm.is_control_domain else None

    def objects(self, needs: Uuid, host: Host, problem: Problem) -> Objection | None:
        """A host that the control domain does not name."""
        return None if needs == host.uuid else self.objection("is a control domain of another host")
