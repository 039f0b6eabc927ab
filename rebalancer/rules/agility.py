"""Whether HA may restart a VM anywhere.

`agility.ml`: no device of a host; all SRs shared, and attached to every enabled host; all networks on every enabled
host.
"""

from __future__ import annotations

from rebalancer.inventory import DANGLING, VM, Host, Pool, Uuid


def is_agile(vm: VM, pool: Pool) -> bool:
    """Whether every enabled host of *pool* can run *vm*."""
    if vm.vgpus or vm.vusbs:
        return False
    enabled = [host for host in pool.hosts.values() if host.enabled]
    disks = [pool.vdis.get(drive.vdi or DANGLING) for drive in vm.vbds if not drive.empty]
    return all(disk is not None and _is_shared(disk.sr, pool, enabled) for disk in disks) and all(
        _is_everywhere(vif.network, enabled) and not _is_sriov(vif.network, pool) for vif in vm.vifs
    )


def _is_shared(uuid: Uuid, pool: Pool, enabled: list[Host]) -> bool:
    """Whether an SR is marked as shared, and attached to every enabled host."""
    sr = pool.srs.get(uuid)
    return sr is not None and sr.shared and all(uuid in host.attached_srs for host in enabled)


def _is_everywhere(network: Uuid, enabled: list[Host]) -> bool:
    """Whether every enabled host has a PIF on a network that is no member of a bond."""
    return all(
        any(pif.network == network and pif.bond_slave_of in (None, DANGLING) for pif in host.pifs) for host in enabled
    )


def _is_sriov(network: Uuid, pool: Pool) -> bool:
    """Whether a network hands out virtual functions."""
    pifs = (pif for host in pool.hosts.values() for pif in host.pifs if pif.network == network)
    return any(pif.free_virtual_functions is not None for pif in pifs)
