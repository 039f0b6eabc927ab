"""The manual's word: VMs of a XenDesktop deployment keep their disks."""

from __future__ import annotations

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import DiskRule, DiskTargets, Objection, Origin


class NotXenDesktop(DiskRule):
    """The pool has no mark of such VMs, so that the policy has to name them; XAPI does not check it."""

    id = "not-xendesktop"
    sentence = "A VM that the policy calls part of a XenDesktop deployment takes no disks along."
    source = "XenServer 6.2 administrator's guide, 6.1: not in XenDesktop deployments; storage_motion.xendesktop"
    origin = Origin.MANUAL

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """A VM that is named."""
        named = vm.uuid in problem.intent.xendesktop
        return self.objection("belongs to a XenDesktop deployment, as the policy says") if named else None
