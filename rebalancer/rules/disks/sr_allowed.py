"""Disks go to SRs that the operator allows."""

from __future__ import annotations

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import DiskRule, DiskTargets, Objection, Origin
from rebalancer.rules.facts.disk_maps import moving


class SRAllowed(DiskRule):
    """The operator's word; none are allowed where Storage XenMotion is off."""

    id = "sr-allowed"
    sentence = "A disk that changes its SR goes to one to which the policy lets disks go."
    source = "the policy's storage_motion"
    origin = Origin.POLICY
    binds_way_back = False

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """Another SR."""
        for disk, target in moving(disks, problem):
            if target is None or target.uuid not in problem.intent.disk_srs:
                name = target.name if target else "unknown"
                return self.objection(f"the policy lets no disk go to SR '{name}', nor its disk '{disk.name}'")
        return None
