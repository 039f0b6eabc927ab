"""XAPI's word up to XenServer 6.5: at most one snapshot goes along."""

from __future__ import annotations

from rebalancer.inventory import VM
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, VMRule
from rebalancer.rules.core.versions import SNAPSHOTS_FOLLOW
from rebalancer.rules.disks.one_snapshot import MOST


class FewSnapshots(VMRule):
    """Later ones copy every snapshot in full; the manual went on to ask for one at most, see `one-snapshot`."""

    id = "few-snapshots"
    sentence = "A VM that takes disks along has at most one snapshot, which XAPI itself checks."
    source = "xapi_vm_migrate.ml of 2013: assert_can_migrate; relaxed by 30b0bc24b6"
    origin = Origin.XAPI
    code = "VM_HAS_TOO_MANY_SNAPSHOTS"
    until = SNAPSHOTS_FOLLOW

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """Two snapshots."""
        if len(vm.snapshots) <= MOST:
            return None
        return self.objection(f"has {len(vm.snapshots)} snapshots", remedy="delete all but one of its snapshots")
