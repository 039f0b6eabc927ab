"""Tables of a pool read the other way round: who is on a card, a network, a disk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from typing import Final

from rebalancer.inventory.names import Names
from rebalancer.inventory.pool import Pool
from rebalancer.inventory.references import Uuid, xapi_uuid
from rebalancer.inventory.vm import VM, PowerState, VBDType

MAC_SEED: Final = "mac_seed"
"""The key of `VM.other_config` from which XAPI makes MAC addresses."""

NO_DATA: Final = "cbt_metadata"
"""The type of a snapshot of which only the list of changed blocks is left."""


class PoolIndex:
    """Indexes over one pool, each worked out when first asked."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @cached_property
    def names(self) -> Names:
        """What its things are called."""
        return Names(self._pool)

    @cached_property
    def snapshot_bytes(self) -> Mapping[Uuid, int]:
        """Virtual sizes of the snapshots of each disk that has some, summed; one whose data is gone has none."""
        found: defaultdict[Uuid, int] = defaultdict(int)
        for vdi in self._pool.vdis.values():
            if vdi.snapshot_of is not None and vdi.type != NO_DATA:
                found[vdi.snapshot_of] += vdi.virtual_size_bytes
        return dict(found)

    @cached_property
    def vms_of_disk(self) -> Mapping[Uuid, frozenset[Uuid]]:
        """The VMs, templates and snapshots included, that have each disk in a drive; CDs count for none."""
        found: defaultdict[Uuid, set[Uuid]] = defaultdict(set)
        for vm in self._pool.vms.values():
            for drive in vm.vbds:
                if drive.vdi is not None and not drive.empty and drive.type is not VBDType.CD:
                    found[drive.vdi].add(vm.uuid)
        return {disk: frozenset(vms) for disk, vms in found.items()}

    @cached_property
    def image_formats(self) -> Mapping[Uuid, frozenset[str]]:
        """What each SR is told to let new disks be: by the coordinator's PBD, where it has none by all others."""
        hosts = self._pool.hosts
        first = {pbd.sr: pbd for coordinator in self._pool.coordinators for pbd in hosts[coordinator].pbds}
        found: dict[Uuid, frozenset[str]] = {}
        for pbd in (pbd for host in hosts.values() for pbd in host.pbds):
            if pbd.image_formats and first.get(pbd.sr, pbd) is pbd:
                formats = frozenset(pbd.image_formats)
                found[pbd.sr] = found.get(pbd.sr, formats) & formats
        return found

    @cached_property
    def vms_of_mac_seed(self) -> Mapping[Uuid, Mapping[str, tuple[VM, ...]]]:
        """The VMs, templates and snapshots of each pool by the seed of their MAC addresses, in the order of uuids."""
        found: dict[Uuid, dict[str, tuple[VM, ...]]] = {}
        for member in self._pool.members:
            seeds = found.setdefault(member.uuid, {})
            for vm in member.vms.values():
                if (seed := vm.other_config.get(MAC_SEED)) is not None:
                    seeds[seed] = (*seeds.get(seed, ()), vm)
        return found

    def owner_of(self, vm: VM) -> Uuid | None:
        """The uuid of the VM that *vm* is, or that it is a snapshot of; None where XAPI has not kept that."""
        owner = vm.snapshot_of if vm.is_a_snapshot else vm.uuid
        return None if owner is None else xapi_uuid(owner)

    @cached_property
    def hosts_of_network(self) -> Mapping[Uuid, frozenset[Uuid]]:
        """The hosts of running VMs, by the networks of their interfaces."""
        found: defaultdict[Uuid, set[Uuid]] = defaultdict(set)
        for vm in self._pool.vms.values():
            if vm.power_state is PowerState.RUNNING and vm.resident_on is not None:
                for vif in vm.vifs:
                    found[vif.network].add(vm.resident_on)
        return {network: frozenset(hosts) for network, hosts in found.items()}

    @cached_property
    def vgpu_types_on_card(self) -> Mapping[Uuid, tuple[Uuid | None, ...]]:
        """The types of all virtual GPUs that are on each card (PGPU), or on their way to it."""
        found: defaultdict[Uuid, list[Uuid | None]] = defaultdict(list)
        for vm in self._pool.vms.values():
            for vgpu in vm.vgpus:
                for card in (vgpu.resident_on, vgpu.scheduled_to_be_resident_on):
                    if card is not None:
                        found[card].append(vgpu.type)
        return {card: tuple(types) for card, types in found.items()}

    @cached_property
    def levelled_by_domain_type(self) -> frozenset[Uuid]:
        """Coordinators of pools in which a host states the CPU features of HVM and PV guests apart."""
        return frozenset(
            member.coordinator
            for member in self._pool.members
            if any(
                level in host.cpu_info for host in member.hosts.values() for level in ("features_hvm", "features_pv")
            )
        )
