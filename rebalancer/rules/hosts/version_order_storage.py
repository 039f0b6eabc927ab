"""Storage XenMotion goes to no older host."""

from __future__ import annotations

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, PairRule
from rebalancer.rules.hosts.version_order import Versions, host_versions, lower


class VersionOrderStorage(PairRule[Versions]):
    """Asked always, not only during an upgrade; a halted VM counts as coming from the coordinator."""

    id = "version-order-storage"
    sentence = "No version of the target is lower than the source's."
    source = "xapi_vm_migrate.ml: assert_can_migrate; helpers.ml: Checks.Migration"
    origin = Origin.XAPI
    code = "NOT_SUPPORTED_DURING_UPGRADE"

    def needs(self, vm: VM, problem: Problem) -> Versions | None:
        """The versions of the host where *vm* is, else of the coordinator."""
        hosts = problem.pool.hosts
        return host_versions(hosts.get(vm.resident_on or "", hosts[problem.pool.of_vm(vm).coordinator]), problem)

    def objects(self, needs: Versions, host: Host, problem: Problem) -> Objection | None:
        """A host that is older in anything."""
        words = lower(needs, host)
        return self.objection(words) if words else None
