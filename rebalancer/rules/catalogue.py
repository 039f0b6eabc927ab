"""The rules that bind each kind of motion, in the order in which XAPI asks: the first objection is XAPI's answer.

A rule's origin tells whether XAPI enforces it, the manual documents it, or the operator wants it.
"""

from __future__ import annotations

from rebalancer.rules.availability.ha_plan import HAPlan
from rebalancer.rules.availability.ha_with_disks import HAOff, HAUnprotected
from rebalancer.rules.availability.spare import Spare
from rebalancer.rules.core.kinds import Rule
from rebalancer.rules.cpu.checkpoint_cpu import CheckpointCPU
from rebalancer.rules.cpu.cpu_features import CPUFeatures
from rebalancer.rules.cpu.cpu_vendor import CPUVendor
from rebalancer.rules.cpu.enough_pcpus import EnoughPCPUs
from rebalancer.rules.cpu.hardware_platform import HardwarePlatform
from rebalancer.rules.cpu.hvm_capable import HVMCapable
from rebalancer.rules.devices.iommu import IOMMU
from rebalancer.rules.devices.no_pci_passthrough import NoPCIPassthrough
from rebalancer.rules.devices.no_vusb import NoVUSB, USBOnTarget
from rebalancer.rules.devices.pool_bound import NoVGPU, NoVTPM
from rebalancer.rules.devices.sriov_capacity import SRIOVCapacity
from rebalancer.rules.devices.vgpu_capacity import VGPUCapacity
from rebalancer.rules.devices.vgpu_driver import VGPUDriver
from rebalancer.rules.devices.vgpu_first_card import VGPUFirstCard
from rebalancer.rules.devices.vgpu_metadata import VGPUMetadata
from rebalancer.rules.devices.vgpu_migratable import VGPUMigratable
from rebalancer.rules.devices.vgpu_supported import VGPUSupported
from rebalancer.rules.devices.vgpu_there import VGPUThere
from rebalancer.rules.disks.disk_map import DisksMapped, SRAllowed, SROfOnePool, SRsMapped, TargetSRAttached
from rebalancer.rules.disks.disks_present import DiskNotBusy, DisksPresent, SnapshotsPresent, SourceSRAttached
from rebalancer.rules.disks.disks_that_move import DiskOfOneVM, NoCBT, NotEncrypted
from rebalancer.rules.disks.image_fits import ImageFits
from rebalancer.rules.disks.intellicache import IntelliCache, OnBootPersist
from rebalancer.rules.disks.manual_limits import NoStorageLink, NotXenDesktop, SixDisks
from rebalancer.rules.disks.mirrors import NotRaw, ShortChain, SpaceOnSource
from rebalancer.rules.disks.shared_sr_visible import SharedSRVisible
from rebalancer.rules.disks.snapshots import (
    CheckpointStays,
    FewSnapshots,
    NoCheckpoint,
    OneSnapshot,
    SnapshotsFollow,
    SnapshotWithoutMemory,
)
from rebalancer.rules.disks.sr_capabilities import SRCapabilities
from rebalancer.rules.disks.sr_space import SpaceOnTarget, SRSpace
from rebalancer.rules.disks.suspend_images import SuspendImages
from rebalancer.rules.hosts.coordinator_version import CoordinatorVersion
from rebalancer.rules.hosts.host_held import HostHeld
from rebalancer.rules.hosts.licence import Licence, LicenceThere, StorageLicence
from rebalancer.rules.hosts.no_upgrade_at_home import NoUpgradeAtHome
from rebalancer.rules.hosts.source_live import SourceLive
from rebalancer.rules.hosts.stays_on_held_host import StaysOnHeldHost
from rebalancer.rules.hosts.target_enabled import TargetEnabled
from rebalancer.rules.hosts.target_live import TargetLive
from rebalancer.rules.hosts.target_not_evacuating import TargetNotEvacuating
from rebalancer.rules.hosts.version_order import VersionOrder, VersionOrderPools, VersionOrderStorage
from rebalancer.rules.hosts.version_order_upgrade import VersionOrderUpgrade
from rebalancer.rules.in_guest.cant_suspend_reason import CantSuspendReason
from rebalancer.rules.in_guest.guest_tools import GuestTools
from rebalancer.rules.in_guest.guest_tools_installed import GuestToolsInstalled
from rebalancer.rules.in_guest.ipv6_linux_kernel import IPv6LinuxKernel
from rebalancer.rules.in_guest.nested_virt import NestedVirt
from rebalancer.rules.in_guest.no_vcpu_mask import NoVCPUMask
from rebalancer.rules.in_guest.nomigrate import NoMigrate
from rebalancer.rules.memory.enough_memory import EnoughMemory
from rebalancer.rules.memory.host_reserve import HostReserve
from rebalancer.rules.memory.memory_safety import MemorySafety
from rebalancer.rules.network.internal_network_stays import InternalNetworkStays
from rebalancer.rules.network.network_on_target import NetworkOnTarget
from rebalancer.rules.network.networks_mapped import NetworksMapped, NetworksThere
from rebalancer.rules.network.no_bond_slave import NoBondSlave
from rebalancer.rules.vm.crossed_stays import CrossedStays
from rebalancer.rules.vm.domain_type_known import DomainTypeKnown
from rebalancer.rules.vm.in_one_pool import InOnePool
from rebalancer.rules.vm.mac_seed_free import MACSeedFree
from rebalancer.rules.vm.no_conflicting_op import NoConflictingOp
from rebalancer.rules.vm.not_control_domain import ControlDomainHome, NotControlDomain
from rebalancer.rules.vm.not_snapshot import NotSnapshot
from rebalancer.rules.vm.not_template import NotDefaultTemplate, NotTemplate
from rebalancer.rules.vm.op_not_blocked import OpNotBlocked
from rebalancer.rules.vm.same_pool import SamePool
from rebalancer.rules.vm.sane_parameters import SaneParameters
from rebalancer.rules.vm.uuid_free import ReplacesNothing, UUIDFree
from rebalancer.rules.vm.vm_held import VMHeld
from rebalancer.rules.vm.vm_running import VMNotPaused, VMRunning
from rebalancer.rules.wishes.demand_known import DemandKnown
from rebalancer.rules.wishes.host_load import HostLoad
from rebalancer.rules.wishes.host_to_be_emptied import HostToBeEmptied
from rebalancer.rules.wishes.keep_apart import KeepApart
from rebalancer.rules.wishes.keep_together import KeepTogether
from rebalancer.rules.wishes.left_alone import LeaveAlone
from rebalancer.rules.wishes.must_run_on import MustRunOn
from rebalancer.rules.wishes.never_move import NeverMove
from rebalancer.rules.wishes.not_squeezed import NotSqueezed
from rebalancer.rules.wishes.spread_over_domains import SpreadOverDomains
from rebalancer.rules.wishes.vcpus_per_pcpu import VCPUsPerPCPU
from rebalancer.rules.wishes.vms_per_host import VMsPerHost

# XenMotion: VM.pool_migrate (message_forwarding.ml, then xapi_vm_migrate.ml on the source host); manual; policy.
LIVE: tuple[Rule, ...] = (
    SamePool(),
    CrossedStays(),
    DomainTypeKnown(),
    CPUVendor(),
    CPUFeatures(),
    OpNotBlocked(),
    VMRunning(),
    NoConflictingOp(),
    NotTemplate(),
    NotSnapshot(),
    NoMigrate(),
    NestedVirt(),
    NotControlDomain(),
    CantSuspendReason(),
    GuestTools(),
    IntelliCache(),
    NoPCIPassthrough(),
    VGPUMigratable(),
    NoVUSB(),
    VersionOrderUpgrade(),
    SaneParameters(),
    TargetLive(),
    TargetEnabled(),
    HardwarePlatform(),
    SharedSRVisible(),
    NetworkOnTarget(),
    InternalNetworkStays(),
    NoBondSlave(),
    IOMMU(),
    VGPUCapacity(),
    SRIOVCapacity(),
    HVMCapable(),
    EnoughMemory(),
    EnoughPCPUs(),
    HAPlan(),
    TargetNotEvacuating(),
    VGPUSupported(),
    SourceLive(),
    Licence(),
    VGPUMetadata(),
    VGPUDriver(),
    DisksPresent(),
    GuestToolsInstalled(),
    VersionOrder(),
    CoordinatorVersion(),
    IPv6LinuxKernel(),
    NoVCPUMask(),
    MemorySafety(),
    InOnePool(),
    NeverMove(),
    LeaveAlone(),
    NotSqueezed(),
    VMHeld(),
    StaysOnHeldHost(),
    DemandKnown(),
    HostToBeEmptied(),
    HostHeld(),
    HostReserve(),
    SRSpace(),
    Spare(),
    HostLoad(),
    MustRunOn(),
    VMsPerHost(),
    VCPUsPerPCPU(),
    KeepApart(),
    SpreadOverDomains(),
    KeepTogether(),
)

# What VM.assert_operation_valid asks of migrate_send, whatever the target.
_OPERATION: tuple[Rule, ...] = (
    OpNotBlocked("migrate_send"),
    VMNotPaused(),
    NoConflictingOp(),
    NotDefaultTemplate(),
    NotSnapshot(),
    NoMigrate(),
    NestedVirt(),
    NotControlDomain(),
    CantSuspendReason(),
    GuestTools(),
    NoPCIPassthrough(),
    VGPUMigratable(),
    NoVUSB(),
)

# Storage XenMotion inside a pool: VM.assert_operation_valid, VM.assert_can_migrate, what only migrate_send itself
# refuses once it has begun; the manual; the policy.
WITH_STORAGE: tuple[Rule, ...] = (
    *_OPERATION,
    StorageLicence(),
    FewSnapshots(),
    SnapshotWithoutMemory(),
    DisksMapped(),
    VersionOrderStorage(),
    SRCapabilities(),
    SaneParameters(),
    TargetLive(),
    ControlDomainHome(),
    TargetEnabled(),
    HardwarePlatform(),
    DomainTypeKnown(),
    CPUVendor(),
    CPUFeatures(),
    NetworkOnTarget(),
    NoBondSlave(),
    IOMMU(),
    VGPUCapacity(),
    USBOnTarget(),
    SRIOVCapacity(),
    HVMCapable(),
    EnoughMemory(),
    EnoughPCPUs(),
    NoCBT(),
    NotEncrypted(),
    SourceLive(),
    VGPUFirstCard(),
    VGPUDriver(),
    TargetNotEvacuating(),
    CrossedStays(),
    OnBootPersist(),
    SuspendImages(),
    SourceSRAttached(),
    TargetSRAttached(),
    DisksPresent(),
    SnapshotsPresent(),
    NotRaw(),
    ShortChain(),
    ImageFits(),
    DiskNotBusy(),
    DiskOfOneVM(),
    SnapshotsFollow(),
    OneSnapshot(),
    SixDisks(),
    NoStorageLink(),
    NotXenDesktop(),
    SpaceOnSource(),
    SpaceOnTarget(),
    HAOff(),
    CheckpointStays(),
    SRAllowed(),
    SROfOnePool(),
)

# Storage XenMotion to another pool: VM.assert_operation_valid, host.migrate_receive on the other side,
# VM.assert_can_migrate with the import on the other side, what only migrate_send refuses once it has begun; then what
# XAPI finds out late, or never, and what plans cannot hold.
TO_ANOTHER_POOL: tuple[Rule, ...] = (
    *_OPERATION,
    CrossedStays(),
    LicenceThere(),
    StorageLicence(),
    DisksMapped(),
    NoVTPM(),
    VersionOrderPools(),
    SRCapabilities(),
    HardwarePlatform(),
    TargetEnabled(),
    EnoughPCPUs(),
    NetworksMapped(),
    NoUpgradeAtHome(),
    MACSeedFree(),
    UUIDFree(),
    EnoughMemory(),
    DomainTypeKnown(missing="IMPORT_ERROR_FAILED_TO_FIND_OBJECT"),
    CPUVendor(),
    CPUFeatures(unreadable="IMPORT_ERROR"),
    CheckpointCPU(),
    VGPUThere(),
    NoCBT(),
    NotEncrypted(),
    SourceLive(),
    VGPUFirstCard(),
    OnBootPersist(),
    SuspendImages(),
    SnapshotsFollow(),
    TargetLive(),
    HVMCapable(),
    SaneParameters(),
    TargetNotEvacuating(),
    DisksPresent(),
    NetworksThere(),
    HAUnprotected(),
    NoVGPU(),
    NoCheckpoint(),
    ReplacesNothing(),
    SRsMapped(),
)
