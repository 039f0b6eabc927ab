"""HA while VMs take disks along, inside the pool or to another one."""

from __future__ import annotations

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import DiskRule, DiskTargets, Objection, Origin, PairRule

UNPROTECT = "empty its ha_restart_priority while it goes from pool to pool"


class HAOff(DiskRule):
    """XAPI moves them all the same, and does not even ask whether the failover plan survives.

    On the way to another pool, that pool counts, too.
    """

    id = "ha-off"
    sentence = "High availability is off while a VM takes disks along."
    source = "XenServer 6.2 administrator's guide, 6.1: disable HA before Storage XenMotion"
    origin = Origin.MANUAL

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """HA on, where the VM is or where it goes."""
        pools = (problem.pool.of_vm(vm), problem.pool.of_host(host.uuid))
        found = [pool.called for pool in pools if pool.ha.enabled]
        if not found:
            return None
        where = f" in pool {found[0]}" if len(problem.pool.members) > 1 else ""
        return self.objection(f"HA is on{where}", remedy="disable HA while disks move", disruption=Disruption.POLICY)


class HAUnprotected(PairRule[str]):
    """XAPI takes the protection off on the way, and asks the other pool's failover plan only once all is copied.

    Where that plan cannot hold the VM, the migration fails then, with the VM in both pools. Of a VM that nobody
    protects XAPI asks HA nothing; what it takes of the hosts' memory over there is for `ha-plan`.
    """

    id = "ha-unprotected"
    sentence = "HA does not protect the VM, or is off in the pool that it leaves and in the one that it comes to."
    source = "xapi_vm_migrate.ml: migrate_send, ha_always_run_reset; xapi_vm.ml: set_ha_restart_priority"
    origin = Origin.POLICY

    def needs(self, vm: VM, problem: Problem) -> str | None:
        """The uuid of the pool where *vm* is protected."""
        return problem.pool.of_vm(vm).uuid if vm.ha_always_run else None

    def objects(self, needs: str, host: Host, problem: Problem) -> Objection | None:
        """HA on in either."""
        home = next(each for each in problem.pool.members if each.uuid == needs)
        pool = next((each for each in (home, problem.pool.of_host(host.uuid)) if each.ha.enabled), None)
        if pool is None:
            return None
        words = f"HA is on in pool {pool.called}, and protects the VM"
        return self.objection(words, remedy=UNPROTECT, disruption=Disruption.POLICY)
