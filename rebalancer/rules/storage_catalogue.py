"""The rules of Storage XenMotion inside a pool, in the order in which XAPI asks."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.policy import RuleSet
from rebalancer.problem import Problem
from rebalancer.rules.availability.ha_off import HAOff
from rebalancer.rules.core.kinds import Origin, PoolRule, Rule, VMRule
from rebalancer.rules.core.versions import xapi_versions
from rebalancer.rules.cpu.cpu_features import CPUFeatures
from rebalancer.rules.cpu.cpu_vendor import CPUVendor
from rebalancer.rules.cpu.enough_pcpus import EnoughPCPUs
from rebalancer.rules.cpu.hardware_platform import HardwarePlatform
from rebalancer.rules.cpu.hvm_capable import HVMCapable
from rebalancer.rules.devices.iommu import IOMMU
from rebalancer.rules.devices.no_pci_passthrough import NoPCIPassthrough
from rebalancer.rules.devices.no_vusb import NoVUSB
from rebalancer.rules.devices.sriov_capacity import SRIOVCapacity
from rebalancer.rules.devices.usb_on_target import USBOnTarget
from rebalancer.rules.devices.vgpu_capacity import VGPUCapacity
from rebalancer.rules.devices.vgpu_driver import VGPUDriver
from rebalancer.rules.devices.vgpu_migratable import VGPUMigratable
from rebalancer.rules.disks.disk_of_one_vm import DiskOfOneVM
from rebalancer.rules.disks.disks_mapped import DisksMapped
from rebalancer.rules.disks.few_snapshots import FewSnapshots
from rebalancer.rules.disks.no_cbt import NoCBT
from rebalancer.rules.disks.no_storagelink import NoStorageLink
from rebalancer.rules.disks.not_encrypted import NotEncrypted
from rebalancer.rules.disks.on_boot_persist import OnBootPersist
from rebalancer.rules.disks.one_snapshot import OneSnapshot
from rebalancer.rules.disks.six_disks import SixDisks
from rebalancer.rules.disks.snapshot_without_memory import SnapshotWithoutMemory
from rebalancer.rules.disks.snapshots_follow import SnapshotsFollow
from rebalancer.rules.disks.space_on_target import SpaceOnTarget
from rebalancer.rules.disks.sr_allowed import SRAllowed
from rebalancer.rules.disks.sr_capabilities import SRCapabilities
from rebalancer.rules.disks.target_sr_attached import TargetSRAttached
from rebalancer.rules.facts.disk_maps import DiskRule
from rebalancer.rules.hosts.source_live import SourceLive
from rebalancer.rules.hosts.storage_licence import StorageLicence
from rebalancer.rules.hosts.target_enabled import TargetEnabled
from rebalancer.rules.hosts.target_live import TargetLive
from rebalancer.rules.hosts.target_not_evacuating import TargetNotEvacuating
from rebalancer.rules.hosts.version_order_storage import VersionOrderStorage
from rebalancer.rules.in_guest.cant_suspend_reason import CantSuspendReason
from rebalancer.rules.in_guest.guest_tools import GuestTools
from rebalancer.rules.in_guest.nested_virt import NestedVirt
from rebalancer.rules.in_guest.nomigrate import NoMigrate
from rebalancer.rules.in_guest.not_xendesktop import NotXenDesktop
from rebalancer.rules.memory.memory_now import MemoryNow
from rebalancer.rules.network.network_on_target import NetworkOnTarget
from rebalancer.rules.network.no_bond_slave import NoBondSlave
from rebalancer.rules.vm.control_domain_home import ControlDomainHome
from rebalancer.rules.vm.crossed_stays import CrossedStays
from rebalancer.rules.vm.domain_type_known import DomainTypeKnown
from rebalancer.rules.vm.no_conflicting_op import NoConflictingOp
from rebalancer.rules.vm.not_control_domain import NotControlDomain
from rebalancer.rules.vm.not_default_template import NotDefaultTemplate
from rebalancer.rules.vm.not_snapshot import NotSnapshot
from rebalancer.rules.vm.op_not_blocked import OpNotBlocked
from rebalancer.rules.vm.sane_parameters import SaneParameters
from rebalancer.rules.vm.vm_not_paused import VMNotPaused

# What VM.assert_operation_valid asks of migrate_send.
STORAGE_OPERATION: tuple[VMRule, ...] = (
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

# What VM.assert_can_migrate asks of a target in the same pool.
STORAGE_MOTION: tuple[Rule, ...] = (
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
    MemoryNow(),
    EnoughPCPUs(),
    NoCBT(),
    NotEncrypted(),
    SourceLive(),
    VGPUDriver(),
)

# What neither of them asks, but migrate_send itself, or the manual.
STORAGE_DOCUMENTED: tuple[DiskRule, ...] = (
    OnBootPersist(),
    TargetSRAttached(),
    DiskOfOneVM(),
    SnapshotsFollow(),
    OneSnapshot(),
    SixDisks(),
    NoStorageLink(),
    NotXenDesktop(),
    SpaceOnTarget(),
    HAOff(),
)

# What the operator wants.
STORAGE_WANTED: tuple[DiskRule, ...] = (SRAllowed(),)

# Asked of the state tonight only; a plan asks the ledger, by `enough-memory` and `sr-space`, at every step.
_OF_THE_LEDGER = (MemoryNow, SpaceOnTarget)


def carrying_rules(problem: Problem, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """What single moves that take disks along have to obey, disks aside: XAPI's checks, then what else binds.

    Of *rules*, those of the manual and of the operator bind for such a move as for any other.
    """
    asked = (*STORAGE_OPERATION, *STORAGE_MOTION, TargetNotEvacuating(), CrossedStays())
    own = [rule for rule in asked if binds_when_carried(rule, problem)]
    ids = {rule.id for rule in own}
    others = [rule for rule in rules if rule.origin is not Origin.XAPI and rule.id not in ids]
    return tuple(rule for rule in (*own, *others) if not isinstance(rule, (DiskRule, PoolRule)))


def disk_rules(problem: Problem) -> tuple[DiskRule, ...]:
    """What the disks that go along have to obey."""
    rules = (*STORAGE_MOTION, *STORAGE_DOCUMENTED, *STORAGE_WANTED)
    return tuple(rule for rule in rules if isinstance(rule, DiskRule) and binds_when_carried(rule, problem))


def binds_when_carried(rule: Rule, problem: Problem) -> bool:
    """Whether the policy's set has a rule of this catalogue, and the pool's version, and no ledger answers for it."""
    wanted = problem.policy.rules
    if isinstance(rule, _OF_THE_LEDGER) or not any(map(rule.binds, xapi_versions(problem.pool))):
        return False
    return rule.origin is not Origin.MANUAL or (wanted.set is RuleSet.DOCUMENTED and rule.id not in wanted.relax)
