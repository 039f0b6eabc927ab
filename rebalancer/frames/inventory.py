"""What a pool consists of, as DataFrames."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from rebalancer.frames.cells import gib_cell
from rebalancer.inventory import Names, Pool


def hosts_frame(pool: Pool) -> pd.DataFrame:
    """One row a host: `host_uuid`, pCPUs, memory in GiB, guests; index is the host's name.

    Example:
        >>> import rebalancer as rb
        >>> rb.frames.hosts_frame(rb.read("pool.json.gz").pool)[["pcpus", "memory_gib", "guests"]].head(2)
               pcpus  memory_gib  guests
        host
        alder     16        76.0       8
        ash       16        76.0      11
    """
    guests, names = Counter(vm.resident_on for vm in pool.resident_guests()), Names(pool).hosts
    columns = {
        "host": [names[uuid] for uuid in pool.hosts],
        "host_uuid": list(pool.hosts),
        "pcpus": [host.pcpus for host in pool.hosts.values()],
        "memory_gib": [gib_cell(host.memory_total_bytes) for host in pool.hosts.values()],
        "guests": [guests[uuid] for uuid in pool.hosts],
        "enabled": [host.enabled for host in pool.hosts.values()],
        "live": [host.live for host in pool.hosts.values()],
    }
    return pd.DataFrame(columns).set_index("host").sort_index()


def vms_frame(pool: Pool) -> pd.DataFrame:
    """One row a guest that occupies a host: where, vCPUs, memory in GiB, power state; index is `vm_uuid`.

    Example:
        >>> import rebalancer as rb
        >>> vms = rb.frames.vms_frame(rb.read("pool.json.gz").pool).set_index("vm")
        >>> vms.loc[["app-041"], ["host", "vcpus", "memory_gib"]]
                  host  vcpus  memory_gib
        vm
        app-041  beech      2         4.0
    """
    names = Names(pool)
    guests = list(pool.resident_guests())
    columns = {
        "vm_uuid": [vm.uuid for vm in guests],
        "vm": [names.vms[vm.uuid] for vm in guests],
        "host": [names.hosts.get(vm.resident_on or "") for vm in guests],
        "host_uuid": [vm.resident_on for vm in guests],
        "vcpus": [vm.vcpus_at_startup for vm in guests],
        "memory_gib": [gib_cell(vm.migration_memory_bytes) for vm in guests],
        "power_state": [vm.power_state.value for vm in guests],
    }
    return pd.DataFrame(columns).set_index("vm_uuid")
