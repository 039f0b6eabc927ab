"""The target host sees every SR to which a disk goes, or on which it stays."""

from __future__ import annotations

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import DiskRule, DiskTargets, Objection, Origin


class TargetSRAttached(DiskRule):
    """`assert_can_migrate` does not look: the move would fail when the disks have been copied."""

    id = "target-sr-attached"
    sentence = "Every SR in the map of disks is attached to the target host."
    source = "xapi_vm_migrate.ml: vdi_copy_fun; recorded answers of assert_can_migrate"
    origin = Origin.XAPI

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """An SR that the host does not see."""
        unseen = sorted(set(disks.values()) - host.attached_srs)
        if not unseen:
            return None
        sr = problem.pool.srs.get(unseen[0])
        return self.objection(f"SR '{sr.name if sr else 'unknown'}' is not attached to the host")
