"""All rules, in the order in which XAPI asks: the first objection is XAPI's answer."""

from __future__ import annotations

from difflib import get_close_matches

from rebalancer.errors import PolicyError
from rebalancer.policy import Policy, RuleSet
from rebalancer.problem import Problem
from rebalancer.rules.availability.ha_plan import HAPlan
from rebalancer.rules.availability.spare import Spare
from rebalancer.rules.core.kinds import Origin, Rule
from rebalancer.rules.core.versions import xapi_versions
from rebalancer.rules.cpu.cpu_features import CPUFeatures
from rebalancer.rules.cpu.cpu_vendor import CPUVendor
from rebalancer.rules.cpu.enough_pcpus import EnoughPCPUs
from rebalancer.rules.cpu.hardware_platform import HardwarePlatform
from rebalancer.rules.cpu.hvm_capable import HVMCapable
from rebalancer.rules.crossing_catalogue import CROSSING_DISKS, CROSSING_MOTION
from rebalancer.rules.devices.iommu import IOMMU
from rebalancer.rules.devices.no_pci_passthrough import NoPCIPassthrough
from rebalancer.rules.devices.no_vusb import NoVUSB
from rebalancer.rules.devices.sriov_capacity import SRIOVCapacity
from rebalancer.rules.devices.vgpu_capacity import VGPUCapacity
from rebalancer.rules.devices.vgpu_driver import VGPUDriver
from rebalancer.rules.devices.vgpu_metadata import VGPUMetadata
from rebalancer.rules.devices.vgpu_migratable import VGPUMigratable
from rebalancer.rules.devices.vgpu_supported import VGPUSupported
from rebalancer.rules.disks.intellicache import IntelliCache
from rebalancer.rules.disks.shared_sr_visible import SharedSRVisible
from rebalancer.rules.disks.sr_space import SRSpace
from rebalancer.rules.hosts.coordinator_version import CoordinatorVersion
from rebalancer.rules.hosts.licence import Licence
from rebalancer.rules.hosts.source_live import SourceLive
from rebalancer.rules.hosts.target_enabled import TargetEnabled
from rebalancer.rules.hosts.target_live import TargetLive
from rebalancer.rules.hosts.target_not_evacuating import TargetNotEvacuating
from rebalancer.rules.hosts.version_order import VersionOrder
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
from rebalancer.rules.network.no_bond_slave import NoBondSlave
from rebalancer.rules.storage_catalogue import STORAGE_DOCUMENTED, STORAGE_WANTED
from rebalancer.rules.vm.crossed_stays import CrossedStays
from rebalancer.rules.vm.domain_type_known import DomainTypeKnown
from rebalancer.rules.vm.no_conflicting_op import NoConflictingOp
from rebalancer.rules.vm.not_control_domain import NotControlDomain
from rebalancer.rules.vm.not_snapshot import NotSnapshot
from rebalancer.rules.vm.not_template import NotTemplate
from rebalancer.rules.vm.op_not_blocked import OpNotBlocked
from rebalancer.rules.vm.same_pool import SamePool
from rebalancer.rules.vm.sane_parameters import SaneParameters
from rebalancer.rules.vm.vm_running import VMRunning
from rebalancer.rules.wishes.demand_known import DemandKnown
from rebalancer.rules.wishes.host_to_be_emptied import HostToBeEmptied
from rebalancer.rules.wishes.keep_apart import KeepApart
from rebalancer.rules.wishes.keep_together import KeepTogether
from rebalancer.rules.wishes.must_run_on import MustRunOn
from rebalancer.rules.wishes.never_move import NeverMove
from rebalancer.rules.wishes.spread_over_domains import SpreadOverDomains

# What VM.pool_migrate asks, in its order: message_forwarding.ml, then xapi_vm_migrate.ml on the source host.
ENFORCED: tuple[Rule, ...] = (
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
)

DOCUMENTED: tuple[Rule, ...] = (
    GuestToolsInstalled(),
    VersionOrder(),
    CoordinatorVersion(),
    IPv6LinuxKernel(),
    NoVCPUMask(),
    MemorySafety(),
)

WANTED: tuple[Rule, ...] = (
    NeverMove(),
    DemandKnown(),
    HostToBeEmptied(),
    HostReserve(),
    SRSpace(),
    Spare(),
    MustRunOn(),
    KeepApart(),
    SpreadOverDomains(),
    KeepTogether(),
)

CATALOGUE: tuple[Rule, ...] = (*ENFORCED, *DOCUMENTED, *WANTED)


def rules_for(problem: Problem) -> tuple[Rule, ...]:
    """The rules that bind this problem: the policy's set, as the pool's version has it, without what it relaxes.

    Of pools of several versions, what one of them asks binds in all.

    Raises:
        PolicyError: the policy relaxes a rule that does not exist, or one that is not its to relax.
    """
    gone = set(relaxed(problem.policy))
    rules = problem.policy.rules
    versions = xapi_versions(problem.pool)
    return tuple(
        rule
        for rule in CATALOGUE
        if rule.id not in gone
        and any(rule.binds(version) for version in versions)
        and not (rules.set is RuleSet.ENFORCED and rule.origin is Origin.MANUAL)
    )


def relaxed(policy: Policy) -> tuple[str, ...]:
    """Ids of the documented rules that *policy* does without, for the plan to say so.

    Raises:
        PolicyError: an id that no documented rule has.
    """
    for rule in policy.rules.relax:
        _refuse_unless_documented(rule)
    return tuple(sorted(set(policy.rules.relax)))


def _refuse_unless_documented(rule: str) -> None:
    """Only a rule that XAPI does not enforce can be relaxed."""
    origins = {
        each.id: each.origin
        for each in (*CATALOGUE, *STORAGE_DOCUMENTED, *STORAGE_WANTED, *CROSSING_MOTION, *CROSSING_DISKS)
    }
    if rule not in origins:
        near = get_close_matches(rule, origins, n=1)
        remedy = f"Perhaps {near[0]!r} is meant" if near else "The rules are listed in docs/rules.md"
        raise PolicyError("rules.relax", f"there is no rule {rule!r}", remedy)
    if origins[rule] is Origin.XAPI:
        raise PolicyError("rules.relax", f"rule {rule!r} is enforced by XAPI", "Only documented rules can be relaxed")
    if origins[rule] is Origin.POLICY:
        raise PolicyError("rules.relax", f"rule {rule!r} is the policy's own", "Change the policy where it states it")
