"""The rules of the way to another pool, in the order in which XAPI asks."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.problem import Problem
from rebalancer.rules.availability.ha_unprotected import HAUnprotected
from rebalancer.rules.core.kinds import Origin, PoolRule, Rule
from rebalancer.rules.cpu.cpu_features import CPUFeatures
from rebalancer.rules.cpu.cpu_vendor import CPUVendor
from rebalancer.rules.cpu.enough_pcpus import EnoughPCPUs
from rebalancer.rules.cpu.hardware_platform import HardwarePlatform
from rebalancer.rules.cpu.hvm_capable import HVMCapable
from rebalancer.rules.devices.no_vgpu import NoVGPU
from rebalancer.rules.devices.no_vtpm import NoVTPM
from rebalancer.rules.disks.no_checkpoint import NoCheckpoint
from rebalancer.rules.disks.srs_mapped import SRsMapped
from rebalancer.rules.facts.disk_maps import DiskRule
from rebalancer.rules.hosts.licence_there import LicenceThere
from rebalancer.rules.hosts.source_live import SourceLive
from rebalancer.rules.hosts.storage_licence import StorageLicence
from rebalancer.rules.hosts.target_enabled import TargetEnabled
from rebalancer.rules.hosts.target_live import TargetLive
from rebalancer.rules.hosts.target_not_evacuating import TargetNotEvacuating
from rebalancer.rules.hosts.version_order_pools import VersionOrderPools
from rebalancer.rules.network.networks_mapped import NetworksMapped
from rebalancer.rules.storage_catalogue import STORAGE_OPERATION, binds_when_carried
from rebalancer.rules.vm.crossed_stays import CrossedStays
from rebalancer.rules.vm.domain_type_known import DomainTypeKnown
from rebalancer.rules.vm.sane_parameters import SaneParameters

# What host.migrate_receive asks on the other side, then VM.assert_can_migrate, then the import on the other side.
CROSSING_MOTION: tuple[Rule, ...] = (
    CrossedStays(),
    LicenceThere(),
    StorageLicence(),
    VersionOrderPools(),
    NoVTPM(),
    HardwarePlatform(),
    TargetEnabled(),
    EnoughPCPUs(),
    NetworksMapped(),
    SaneParameters(),
    DomainTypeKnown(),
    CPUVendor(),
    CPUFeatures(),
    TargetLive(),
    HVMCapable(),
    SourceLive(),
    TargetNotEvacuating(),
    HAUnprotected(),
    NoVGPU(),
    NoCheckpoint(),
)

# What disks obey besides all that disks obey inside a pool.
CROSSING_DISKS: tuple[DiskRule, ...] = (SRsMapped(),)


def crossing_rules(problem: Problem, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """What single moves to another pool have to obey, disks aside: XAPI's checks, then what else binds.

    Of *rules*, those of the manual and of the operator bind for such a move as for any other.
    """
    own = [rule for rule in (*STORAGE_OPERATION, *CROSSING_MOTION) if binds_when_carried(rule, problem)]
    ids = {rule.id for rule in own}
    others = [rule for rule in rules if rule.origin is not Origin.XAPI and rule.id not in ids]
    return tuple(rule for rule in (*own, *others) if not isinstance(rule, (DiskRule, PoolRule)))
