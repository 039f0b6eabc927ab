"""A host with everything that decides whether a VM may come to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rebalancer.essence import line_of
from rebalancer.inventory.references import Uuid
from rebalancer.units import size_in_words

LEAST_MHZ: Final = 100.0
MOST_MHZ: Final = 100_000.0
"""No CPU that Xen runs on is slower or faster: other numbers are in another unit, or none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PBD:
    """A host's connection to an SR; new disks take one of `image_formats`, any that the SR can where it names none."""

    uuid: Uuid
    sr: Uuid
    currently_attached: bool
    image_formats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PIF:
    """A host's interface on a network; `sriov_logical_of` and `tunnel_access_of` mark special ones.

    `free_virtual_functions` is None unless this is, or is a VLAN on, the logical end of an SR-IOV network.
    """

    uuid: Uuid
    network: Uuid
    device: str
    vlan: int
    management: bool
    currently_attached: bool
    bond_slave_of: Uuid | None
    ip: str
    speed_mbits: int | None
    sriov_logical_of: tuple[Uuid, ...] = ()
    tunnel_access_of: tuple[Uuid, ...] = ()
    free_virtual_functions: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PGPU:
    """A physical GPU of a host.

    `max_capacities` maps a VGPU type to how many of it fit an empty card; `gpu_types` is the hardware of its group.
    Another pool finds groups by their hardware: of several of the same, only the cards of one are `found`.
    """

    uuid: Uuid
    gpu_group: Uuid | None
    pci: Uuid | None
    enabled_types: tuple[Uuid, ...]
    max_capacities: Mapping[Uuid, int]
    resident_vgpus: tuple[Uuid, ...]
    compatibility_metadata: Mapping[str, str]
    gpu_types: tuple[str, ...] = ()
    found: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A host, as xapi's database has it.

    `live` and `memory_total_bytes` are None when the host has no metrics object. `current_operations` holds the
    names of the operations under way, `ghost_operations` those of them that no task carries out any more. `pgpus`
    are in the order in which xapi lists them: it takes the first that will do.

    `unsaid` are the fields, of the host and of what belongs to it, that its records lack or hold in a form that nobody
    can read: what stands in their place decides nothing.
    """

    uuid: Uuid
    name: str
    hostname: str
    address: str
    enabled: bool
    live: bool | None
    memory_total_bytes: int | None
    memory_overhead_bytes: int
    cpu_info: Mapping[str, str]
    software_version: Mapping[str, str]
    capabilities: tuple[str, ...]
    chipset_info: Mapping[str, str]
    license_params: Mapping[str, str]
    virtual_hardware_platform_versions: tuple[int, ...] | None
    current_operations: tuple[str, ...]
    other_config: Mapping[str, str]
    tags: tuple[str, ...]
    pbds: tuple[PBD, ...]
    pifs: tuple[PIF, ...]
    pgpus: tuple[PGPU, ...]
    ghost_operations: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = ()

    def __repr__(self) -> str:
        size = "of unknown memory" if self.memory_total_bytes is None else size_in_words(self.memory_total_bytes)
        return line_of("Host", f"{self.name!r}: {self.pcpus or 'unknown'} pCPUs, {size}, {self.uuid}")

    @property
    def pcpus(self) -> int | None:
        """Logical pCPUs that Xen schedules on (threads, not cores); None where xapi does not say."""
        count = self.cpu_info.get("cpu_count", "")
        return int(count) if count.isdecimal() else None

    @property
    def mhz(self) -> float | None:
        """Speed of its pCPUs by `cpu_info:speed`, whole in host_cpu records; None where xapi does not say."""
        try:
            mhz = float(self.cpu_info.get("speed", ""))
        except ValueError:
            return None
        return mhz if LEAST_MHZ <= mhz <= MOST_MHZ else None

    def carrier(self, network: Uuid) -> PIF | None:
        """The interface or bond that carries *network*, also where that is a VLAN on it; None where none does."""
        on = next((pif for pif in self.pifs if pif.network == network and not pif.tunnel_access_of), None)
        if on is None or on.vlan < 0:
            return on
        beneath = (pif for pif in self.pifs if pif.device == on.device and pif.vlan < 0 and not pif.bond_slave_of)
        return next(beneath, None)

    @property
    def attached_srs(self) -> frozenset[Uuid]:
        """SRs that this host can use now."""
        return frozenset(pbd.sr for pbd in self.pbds if pbd.currently_attached)
