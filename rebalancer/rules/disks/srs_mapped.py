"""Disks go to the SR of the other pool that the policy names."""

from __future__ import annotations

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import DiskRule, DiskTargets, Objection, Origin
from rebalancer.rules.facts.counterparts import crosses, sr_beyond
from rebalancer.rules.facts.disk_maps import moving


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
        home, there = problem.pool.of_vm(vm), problem.pool.of_host(host.uuid)
        for disk, target in moving(disks, problem):
            beyond = sr_beyond(disk.sr, home, host, problem)
            if beyond is None or (target is not None and beyond.uuid == target.uuid):
                continue
            led = there.srs.get(beyond.uuid or "")
            words = f"the policy leads its disk '{disk.name}' to SR '{led.name}'" if led else beyond.words
            return self.objection(words, remedy="change the policy's other_pools.srs")
        return None
