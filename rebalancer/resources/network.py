"""Networks: what VMs send and receive, against the interfaces that carry it.

VLANs share the interface or bond that they are on, by another division on each host. So there is one block of columns
for each set of networks that share an interface on some host: on that host it counts against the interface's speed,
elsewhere it counts nothing. Both directions have the whole speed, and columns of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rebalancer.demand import LoadProfile
from rebalancer.demand.flows import FlowKind
from rebalancer.inventory import PIF, Host, Pool, Uuid
from rebalancer.policy import ResourcePolicy
from rebalancer.resources.load import ResourceLoad, rates_of

Floats = NDArray[np.float64]
Shared = frozenset[Uuid]
"""Networks that share an interface on some host."""


def network_load(pool: Pool, profile: LoadProfile, policy: ResourcePolicy) -> ResourceLoad:
    """Gbit/s by slot; an interface whose speed is not known counts nothing, and its host is held.

    Interfaces count that carry a network of some guest, whatever is known of what it sends: to the profile that a plan
    carries, VMs that stay are part of their hosts.
    """
    used = {vif.network for vm in pool.resident_guests() for vif in vm.vifs}
    shared = [_shared(host, used) for host in pool.hosts.values()]
    blocks = sorted({networks for each in shared for networks in each}, key=sorted)
    parts = [_block(profile, shared, each, kind) for each in blocks for kind in (FlowKind.SENT, FlowKind.RECEIVED)]
    rows = len(profile.vms), len(pool.hosts), len(pool.hosts)
    tables = ([np.zeros((count, 0)), *(part[place] for part in parts)] for place, count in enumerate(rows))
    vm, base, capacity = (np.hstack(each) for each in tables)
    hours = profile.hours * len(parts)
    return ResourceLoad(id="network", unit="Gbit/s", policy=policy, vm=vm, base=base, capacity=capacity, hours=hours)


def _shared(host: Host, used: set[Uuid]) -> dict[Shared, PIF]:
    """The interfaces of *host* that carry *used* networks, by those that they carry."""
    carriers = {network: carrier for network in sorted(used) if (carrier := host.carrier(network))}
    by_uuid = {carrier.uuid: carrier for carrier in carriers.values()}
    return {
        frozenset(network for network, carrier in carriers.items() if carrier.uuid == uuid): pif
        for uuid, pif in by_uuid.items()
    }


def _block(
    profile: LoadProfile, shared: Sequence[Mapping[Shared, PIF]], networks: Shared, kind: FlowKind
) -> tuple[Floats, Floats, Floats]:
    """What VMs and hosts use of a direction, and the speed of hosts where just these *networks* share an interface."""
    rates, none = rates_of(profile, kind), np.zeros(profile.slots)
    vm = [sum((rates.get((vm, network), none) for network in sorted(networks)), start=none) for vm in profile.vms]
    own = {place: each for (_, place), each in rates.items()}
    on = [each.get(networks) for each in shared]
    base = [none if pif is None else own.get(pif.uuid, none) for pif in on]
    speeds = [pif.speed_mbits / 1000 if pif is not None and pif.speed_mbits else np.inf for pif in on]
    capacity = np.repeat(np.array(speeds).reshape(-1, 1), profile.slots, axis=1)
    return np.array(vm).reshape(-1, profile.slots), np.array(base), capacity
