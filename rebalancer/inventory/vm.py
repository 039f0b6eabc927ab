"""A virtual machine with everything that decides whether it may move.

Fields carry the names of XenAPI's classes VM, VM_metrics, VM_guest_metrics, VBD, VIF, VGPU. `None` means that the
pool did not say: the object or the field is missing, or this version of XAPI does not have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from rebalancer.essence import line_of
from rebalancer.inventory.references import Uuid
from rebalancer.units import counted, size_in_words


class PowerState(StrEnum):
    """XenAPI `vm_power_state`."""

    HALTED = "Halted"
    PAUSED = "Paused"
    RUNNING = "Running"
    SUSPENDED = "Suspended"


class DomainType(StrEnum):
    """XenAPI `domain_type`."""

    HVM = "hvm"
    PV = "pv"
    PV_IN_PVH = "pv_in_pvh"
    PVH = "pvh"
    UNSPECIFIED = "unspecified"


class VBDType(StrEnum):
    """XenAPI `vbd_type`."""

    CD = "CD"
    DISK = "Disk"
    FLOPPY = "Floppy"


@dataclass(frozen=True, slots=True, kw_only=True)
class VBD:
    """A drive of a VM; `vdi` is None when nothing is in it."""

    uuid: Uuid
    type: VBDType
    device: str
    empty: bool
    currently_attached: bool
    vdi: Uuid | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VIF:
    """A network interface of a VM."""

    uuid: Uuid
    device: str
    mac: str
    network: Uuid
    currently_attached: bool
    reserved_pci: Uuid | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VGPU:
    """A virtual GPU of a VM; `gpu_types` is the hardware of its group."""

    uuid: Uuid
    type: Uuid | None
    gpu_group: Uuid
    resident_on: Uuid | None
    scheduled_to_be_resident_on: Uuid | None
    pci: Uuid | None
    gpu_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VMMetrics:
    """What xapi knows of the running domain: it decides, not the configuration for the next boot."""

    memory_actual_bytes: int
    vcpus_number: int
    nomigrate: bool | None = None
    nested_virt: bool | None = None
    current_domain_type: DomainType | None = None
    start_time: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestMetrics:
    """What the guest agent reported."""

    pv_drivers_version: Mapping[str, str]
    pv_drivers_detected: bool | None
    other: Mapping[str, str]
    os_version: Mapping[str, str]
    networks: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryRange:
    """The four limits of Dynamic Memory Control, in bytes."""

    static_min_bytes: int
    dynamic_min_bytes: int
    dynamic_max_bytes: int
    static_max_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VM:
    """A VM, template, snapshot or control domain, as xapi's database has it.

    `current_operations` holds the names of the operations under way, `ghost_operations` those of them that no task
    carries out any more. `metrics` is None when the VM has no metrics object, `guest_metrics` when no agent ever
    reported. `usb_hosts` are the hosts that have the devices behind `vusbs`. `version` tells how often the VM was
    restored, `snapshot_of` of which VM a snapshot was taken, there or not. VMs of a lower `order` start first, and
    those of the next one `start_delay` seconds later. `unsaid` are the fields, of the VM and of
    what belongs to it, that its records lack or hold in a form that nobody can read; what stands there decides nothing.
    """

    uuid: Uuid
    name: str
    power_state: PowerState
    is_a_template: bool
    is_default_template: bool
    is_a_snapshot: bool
    is_control_domain: bool
    resident_on: Uuid | None
    scheduled_to_be_resident_on: Uuid | None
    affinity: Uuid | None
    memory: MemoryRange
    memory_overhead_bytes: int
    vcpus_max: int
    vcpus_at_startup: int
    vcpus_params: Mapping[str, str]
    hvm_shadow_multiplier: float
    hvm_boot_policy: str
    domain_type: DomainType | None
    platform: Mapping[str, str]
    other_config: Mapping[str, str]
    tags: tuple[str, ...]
    blocked_operations: Mapping[str, str]
    current_operations: tuple[str, ...]
    hardware_platform_version: int | None
    last_boot_cpu_flags: Mapping[str, str]
    ha_always_run: bool
    ha_restart_priority: str
    actions_after_crash: str
    groups: tuple[Uuid, ...]
    vbds: tuple[VBD, ...]
    vifs: tuple[VIF, ...]
    vgpus: tuple[VGPU, ...]
    vusbs: tuple[Uuid, ...]
    vtpms: tuple[Uuid, ...]
    attached_pcis: tuple[Uuid, ...]
    snapshots: tuple[Uuid, ...]
    suspend_vdi: Uuid | None
    usb_hosts: tuple[Uuid, ...] = ()
    ghost_operations: tuple[str, ...] = ()
    version: int = 0
    snapshot_of: Uuid | None = None
    order: int = 0
    start_delay: int = 0
    metrics: VMMetrics | None = field(default=None)
    guest_metrics: GuestMetrics | None = field(default=None)
    unsaid: tuple[str, ...] = ()

    def __repr__(self) -> str:
        size = f"{counted(self.vcpus_at_startup, 'vCPU')}, {size_in_words(self.memory.static_max_bytes)}"
        return line_of("VM", f"{self.name!r}: {size}, {self.power_state.value.lower()}, {self.uuid}")

    @property
    def is_guest(self) -> bool:
        """Whether this is a machine of a user: no template, no snapshot, no control domain."""
        return not (self.is_a_template or self.is_a_snapshot or self.is_control_domain)

    @property
    def migration_memory_bytes(self) -> int:
        """Bytes that a live migration copies: what the domain has now, else its dynamic maximum."""
        actual = self.metrics.memory_actual_bytes if self.metrics else 0
        return actual if actual > 0 else self.memory.dynamic_max_bytes
