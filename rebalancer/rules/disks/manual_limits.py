"""What the manual alone asks of a VM that takes disks along."""

from __future__ import annotations

from typing import Final

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import DiskRule, DiskTargets, Objection, Origin
from rebalancer.rules.facts.disk_maps import own_disks

MOST = 6
STORAGELINK: Final = "cslg"
"""What XenServer up to 6.2 calls SRs of that type; later ones have none."""


class SixDisks(DiskRule):
    """XAPI has never checked it."""

    id = "six-disks"
    sentence = "A VM that takes disks along has at most six disks."
    source = "XenServer 6.2 administrator's guide, 6.1: VMs with more than six attached VDIs cannot be migrated"
    origin = Origin.MANUAL

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """More than six disks."""
        count = len(own_disks(vm, problem))
        return self.objection(f"has {count} disks") if count > MOST else None


class NoStorageLink(DiskRule):
    """XAPI asks only what the driver can do."""

    id = "no-storagelink"
    sentence = "A VM that takes disks along has none on an Integrated StorageLink SR, and takes none to one."
    source = "XenServer 6.2 administrator's guide, 6.1: VMs on Integrated StorageLink SRs cannot be migrated"
    origin = Origin.MANUAL

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """A disk that is there, or is to go there."""
        there = {disk.sr for disk in own_disks(vm, problem) if disk} | set(disks.values())
        srs, names = problem.pool.srs, problem.names.srs
        linked = sorted(names[uuid] for uuid in there & srs.keys() if srs[uuid].type == STORAGELINK)
        return self.objection(f"SR '{linked[0]}' is one of Integrated StorageLink") if linked else None


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
