"""What is sent for a step that takes disks along."""

from __future__ import annotations

from rebalancer.errors import StalePlan
from rebalancer.inventory import Host, Pool, Uuid
from rebalancer.plan import Step
from rebalancer.rules.facts.disk_maps import whole_map
from rebalancer.xapi import StorageMotion


def motion_of(step: Step, pool: Pool) -> StorageMotion:
    """The call for *step*, with the disks that are in the VM's drives in *pool* now.

    Raises:
        StalePlan: the target has no management interface to receive it on.
    """
    vm, host = pool.vms[step.vm], pool.hosts[step.target]
    return StorageMotion(
        vm=vm.uuid,
        source=step.source,
        host=host.uuid,
        network=step.network or _management_network(host),
        sr_of=whole_map(vm, host, step.migration.disks, pool),
        network_of={each.vif: each.target for each in step.crossing.networks} if step.crossing else {},
    )


def _management_network(host: Host) -> Uuid:
    found = sorted(pif.network for pif in host.pifs if pif.management)
    if not found:
        raise StalePlan([f"host {host.name} has no management interface to receive disks on"])
    return found[0]
