"""The manual's word: at most six disks go along."""

from __future__ import annotations

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import DiskRule, DiskTargets, Objection, Origin
from rebalancer.rules.facts.disk_maps import own_disks

MOST = 6


class SixDisks(DiskRule):
    """XAPI has never checked it."""

    id = "six-disks"
    sentence = "A VM that takes disks along has at most six disks."
    source = "XenServer 6.2 administrator's guide, 6.1: VMs with more than six attached VDIs cannot be migrated"
    origin = Origin.MANUAL

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """Seven disks."""
        count = len(own_disks(vm, problem))
        return self.objection(f"has {count} disks") if count > MOST else None
