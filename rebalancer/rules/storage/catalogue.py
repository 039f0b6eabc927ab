"""The rules of Storage XenMotion inside a pool, in the order in which XAPI asks."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.policy import RuleSet
from rebalancer.problem import Problem
from rebalancer.rules.base import Origin, PoolRule, Rule, VMRule
from rebalancer.rules.cant_suspend_reason import CantSuspendReason
from rebalancer.rules.cpu_features import CPUFeatures
from rebalancer.rules.cpu_vendor import CPUVendor
from rebalancer.rules.crossed_stays import CrossedStays
from rebalancer.rules.domain_type_known import DomainTypeKnown
from rebalancer.rules.enough_pcpus import EnoughPCPUs
from rebalancer.rules.guest_tools import GuestTools
from rebalancer.rules.hardware_platform import HardwarePlatform
from rebalancer.rules.hvm_capable import HVMCapable
from rebalancer.rules.iommu import IOMMU
from rebalancer.rules.nested_virt import NestedVirt
from rebalancer.rules.network_on_target import NetworkOnTarget
from rebalancer.rules.no_bond_slave import NoBondSlave
from rebalancer.rules.no_conflicting_op import NoConflictingOp
from rebalancer.rules.no_pci_passthrough import NoPCIPassthrough
from rebalancer.rules.no_vusb import NoVUSB
from rebalancer.rules.nomigrate import NoMigrate
from rebalancer.rules.not_control_domain import NotControlDomain
from rebalancer.rules.not_snapshot import NotSnapshot
from rebalancer.rules.op_not_blocked import OpNotBlocked
from rebalancer.rules.sane_parameters import SaneParameters
from rebalancer.rules.source_live import SourceLive
from rebalancer.rules.sriov_capacity import SRIOVCapacity
from rebalancer.rules.storage.base import DiskRule
from rebalancer.rules.storage.control_domain_home import ControlDomainHome
from rebalancer.rules.storage.disk_of_one_vm import DiskOfOneVM
from rebalancer.rules.storage.disks_mapped import DisksMapped
from rebalancer.rules.storage.few_snapshots import FewSnapshots
from rebalancer.rules.storage.ha_off import HAOff
from rebalancer.rules.storage.memory_now import MemoryNow
from rebalancer.rules.storage.no_cbt import NoCBT
from rebalancer.rules.storage.no_storagelink import NoStorageLink
from rebalancer.rules.storage.not_default_template import NotDefaultTemplate
from rebalancer.rules.storage.not_encrypted import NotEncrypted
from rebalancer.rules.storage.not_xendesktop import NotXenDesktop
from rebalancer.rules.storage.on_boot_persist import OnBootPersist
from rebalancer.rules.storage.one_snapshot import OneSnapshot
from rebalancer.rules.storage.six_disks import SixDisks
from rebalancer.rules.storage.snapshot_without_memory import SnapshotWithoutMemory
from rebalancer.rules.storage.snapshots_follow import SnapshotsFollow
from rebalancer.rules.storage.space_on_target import SpaceOnTarget
from rebalancer.rules.storage.sr_allowed import SRAllowed
from rebalancer.rules.storage.sr_capabilities import SRCapabilities
from rebalancer.rules.storage.storage_licence import StorageLicence
from rebalancer.rules.storage.target_sr_attached import TargetSRAttached
from rebalancer.rules.storage.usb_on_target import USBOnTarget
from rebalancer.rules.storage.version_order_storage import VersionOrderStorage
from rebalancer.rules.storage.vm_not_paused import VMNotPaused
from rebalancer.rules.target_enabled import TargetEnabled
from rebalancer.rules.target_live import TargetLive
from rebalancer.rules.target_not_evacuating import TargetNotEvacuating
from rebalancer.rules.versions import xapi_versions
from rebalancer.rules.vgpu_capacity import VGPUCapacity
from rebalancer.rules.vgpu_driver import VGPUDriver
from rebalancer.rules.vgpu_migratable import VGPUMigratable

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
