"""The licences allow XenMotion, or Storage XenMotion inside the pool and to another one."""

from __future__ import annotations

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import HostRule, Objection, Origin, VMRule


class Licence(VMRule):
    """The last thing that xapi asks, on the source host; a licence that does not say allows it."""

    id = "licence"
    sentence = "The pool's licence does not restrict XenMotion."
    source = "xapi_vm_migrate.ml: pool_migrate; features.ml: enabled_when_unknown"
    origin = Origin.XAPI
    code = "LICENCE_RESTRICTION"

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """`restrict_xen_motion`."""
        if problem.pool.of_vm(vm).restrictions.get("restrict_xen_motion") != "true":
            return None
        return self.objection(
            "the pool's licence does not allow XenMotion",
            remedy="apply a licence that does",
            disruption=Disruption.POOL,
        )


class StorageLicence(VMRule):
    """Unlike for XenMotion, a licence that does not say so does not allow it."""

    id = "storage-licence"
    sentence = "The pool's licence says that Storage XenMotion is not restricted."
    source = "xapi_vm_migrate.ml: assert_licensed_storage_motion; features.ml"
    origin = Origin.XAPI
    code = "LICENCE_RESTRICTION"

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """`restrict_storage_xen_motion`."""
        pool = problem.pool.of_vm(vm)
        if pool.restrictions.get("restrict_storage_xen_motion") == "false":
            return None
        whose = f"the licence of pool {pool.called}" if len(problem.pool.members) > 1 else "the pool's licence"
        return self.objection(
            f"{whose} does not allow Storage XenMotion", remedy="apply a licence that does", disruption=Disruption.POOL
        )


class LicenceThere(HostRule):
    """Asked before any disk is looked at, of the pool that is to receive the VM."""

    id = "licence-there"
    sentence = "The licence of the target's pool says that Storage XenMotion is not restricted."
    source = "xapi_host.ml: migrate_receive; features.ml"
    origin = Origin.XAPI
    code = "LICENCE_RESTRICTION"

    def objects(self, host: Host, problem: Problem) -> Objection | None:
        """`restrict_storage_xen_motion`."""
        pool = problem.pool.of_host(host.uuid)
        if pool.restrictions.get("restrict_storage_xen_motion") == "false":
            return None
        return self.objection(
            f"the licence of pool {pool.called} does not allow Storage XenMotion",
            remedy="apply a licence that does",
            disruption=Disruption.POOL,
        )
