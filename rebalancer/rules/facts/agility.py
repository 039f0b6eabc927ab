"""Whether HA may restart a VM anywhere.

`agility.ml`: no device of a host; all SRs shared, and attached to every enabled host; all networks on every enabled
host.
"""

from __future__ import annotations

from dataclasses import dataclass

from rebalancer.inventory import DANGLING, VM, Host, Pool, Uuid


@dataclass(frozen=True, slots=True, kw_only=True)
class Everywhere:
    """What every enabled host of `pool` has, put down once for many VMs: shared SRs, and networks to be on."""

    pool: Pool
    srs: frozenset[Uuid]
    networks: frozenset[Uuid]

    @classmethod
    def of(cls, pool: Pool) -> Everywhere:
        """SRs that are marked as shared and attached to every enabled host; networks with a PIF on each of them."""
        enabled = [host for host in pool.hosts.values() if host.enabled]
        shared = (uuid for uuid, sr in pool.srs.items() if sr.shared)
        virtual = {network for network in pool.networks if _is_sriov(network, pool)}
        return cls(
            pool=pool,
            srs=frozenset(shared).intersection(*(host.attached_srs for host in enabled)),
            networks=frozenset(pool.networks).intersection(*map(_networks, enabled)) - virtual,
        )

    def runs(self, vm: VM) -> bool:
        """Whether each of these hosts can run *vm*."""
        if vm.vgpus or vm.vusbs:
            return False
        disks = [self.pool.vdis.get(drive.vdi or DANGLING) for drive in vm.vbds if not drive.empty]
        return all(disk is not None and disk.sr in self.srs for disk in disks) and all(
            vif.network in self.networks for vif in vm.vifs
        )


def _networks(host: Host) -> frozenset[Uuid]:
    """Networks on which *host* has a PIF that is no member of a bond."""
    return frozenset(pif.network for pif in host.pifs if pif.bond_slave_of in (None, DANGLING))


def _is_sriov(network: Uuid, pool: Pool) -> bool:
    pifs = (pif for host in pool.hosts.values() for pif in host.pifs if pif.network == network)
    return any(pif.free_virtual_functions is not None for pif in pifs)
