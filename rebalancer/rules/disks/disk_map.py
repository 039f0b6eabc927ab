"""The map that says to which SR each disk goes."""

from __future__ import annotations

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import DiskRule, DiskTargets, Objection, Origin
from rebalancer.rules.facts.counterparts import crosses, sr_beyond
from rebalancer.rules.facts.disk_maps import moving, own_disks


class DisksMapped(DiskRule):
    """CDs and empty drives are not mapped; what the map holds beyond the VM's disks is ignored."""

    id = "disks-mapped"
    sentence = "The map of disks names an SR for every disk of the VM, whether it moves or not."
    source = "xapi_vm_migrate.ml: vdi_filter, check_vdi_map"
    origin = Origin.XAPI
    code = "VDI_NOT_IN_MAP"

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """A disk without an SR, or of which nothing is known."""
        missing = [disk for disk in own_disks(vm, problem) if disk is None or disk.uuid not in disks]
        if not missing:
            return None
        first = missing[0]
        return self.objection(f"its disk '{first.name if first else 'unknown'}' has no SR to go to")


class SRsMapped(DiskRule):
    """SRs that the policy does not name lead to any SR that has room; inside a pool it names none."""

    id = "srs-mapped"
    sentence = "Where the policy names the SR of the other pool for an SR, disks on it go there."
    source = "the policy's other_pools.srs"
    origin = Origin.POLICY

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """A disk that goes elsewhere, or whose SR leads nowhere."""
        if not crosses(vm, host, problem):
            return None
        home = problem.pool.of_vm(vm)
        for disk, target in moving(disks, problem):
            beyond = sr_beyond(disk.sr, home, host, problem)
            if beyond is None or (target is not None and beyond.uuid == target.uuid):
                continue
            led = problem.names.srs.get(beyond.uuid or "")
            words = f"the policy leads its disk '{disk.name}' to SR '{led}'" if led else beyond.words
            return self.objection(words, remedy="change the policy's other_pools.srs", disruption=Disruption.POLICY)
        return None


class SROfOnePool(DiskRule):
    """XAPI takes two SRs of one uuid for the same, and the disk for already there; two pools on one SR destroy it."""

    id = "sr-of-one-pool"
    sentence = "No disk leaves or comes to an SR that two pools have."
    source = "xapi_vm_migrate.ml: is_sr_matching, vdi_copy_fun (relax_xsm_sr_check)"
    origin = Origin.POLICY

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """Such an SR."""
        for disk, target in moving(disks, problem):
            for uuid in (disk.sr, *([target.uuid] if target else [])):
                if problem.pool.is_known_twice(uuid):
                    name = problem.names.srs[uuid]
                    words = f"two pools have SR '{name}', to or from which its disk '{disk.name}' would go"
                    return self.objection(
                        words, remedy="detach that SR from one of the pools", disruption=Disruption.POOL
                    )
        return None


class SRAllowed(DiskRule):
    """The operator's word; none are allowed where Storage XenMotion is off."""

    id = "sr-allowed"
    sentence = "A disk that changes its SR goes to one to which the policy lets disks go."
    source = "the policy's storage_motion"
    origin = Origin.POLICY

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """Another SR."""
        for disk, target in moving(disks, problem):
            if target is None or target.uuid not in problem.intent.disk_srs:
                name = problem.names.srs[target.uuid] if target else "unknown"
                words = f"the policy lets no disk go to SR '{name}', nor its disk '{disk.name}'"
                return self.objection(words, remedy="name the SR in storage_motion.srs", disruption=Disruption.POLICY)
        return None


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
        words = f"SR '{problem.names.srs.get(unseen[0], 'unknown')}' is not attached to the host"
        return self.objection(words, remedy="attach the SR to the host", disruption=Disruption.POOL)
