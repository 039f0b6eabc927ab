"""No way leads to a pool that is older."""

from __future__ import annotations

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, PairRule
from rebalancer.rules.hosts.version_order import Versions, lower, versions_of


class VersionOrderPools(PairRule[Versions]):
    """Asked always, and by the pool that the VM leaves: the versions that its coordinator compares."""

    id = "version-order-pools"
    sentence = "No version of the target is lower than the source's."
    source = "xapi_vm_migrate.ml: assert_can_migrate; helpers.ml: Checks.Migration"
    origin = Origin.XAPI
    code = "VM_HOST_INCOMPATIBLE_VERSION_MIGRATE"

    def needs(self, vm: VM, problem: Problem) -> Versions | None:
        """The versions of the host where *vm* is."""
        return versions_of(vm, problem)

    def objects(self, needs: Versions, host: Host, problem: Problem) -> Objection | None:
        """A host that is older in anything."""
        words = lower(needs, host)
        return self.objection(words) if words else None
