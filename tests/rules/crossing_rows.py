"""The way of `web` to another pool, from e1 to w1, with one thing changed: a table that was written by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rebalancer.inventory import VM, DomainType, HighAvailability, Network, PowerState
from rebalancer.placement import DiskMove, Migration
from rebalancer.problem import Problem
from tests.local_disks import LICENSED, full_disk
from tests.pools import CPU_INFO, FEATURES, SOFTWARE, make_disk, make_metrics, make_network, make_pif, make_vif, make_vm
from tests.rules.row import card, vgpu, vgpu_types
from tests.two_pools import crossing_policy, one_pool, pool_host, pool_vm, two_pools

ENFORCED = {"rules": {"set": "enforced"}}
HA_ON = HighAvailability(enabled=True, host_failures_to_tolerate=0, plan_exists_for=0, allow_overcommit=False)
OLD = SOFTWARE | {"xapi_build": "23.12.0"}
NEW = SOFTWARE | {"xapi_build": "23.13.0"}
TO_WEST = Migration(
    vm="web", source="e1", target="w1", disks=(DiskMove(drive="web-xvd0", source="e-shared", target="w-shared"),)
)


def named(uuid: str, name: str) -> Network:
    """A network with a name that is not its uuid."""
    return replace(make_network(uuid), name=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The move of `web` with its disk to w1, with one thing changed in it, on either side, or in the policy."""

    rule: str
    legal: bool
    vm: Mapping[str, Any] = field(default_factory=dict)
    source: Mapping[str, Any] = field(default_factory=dict)
    target: Mapping[str, Any] = field(default_factory=dict)
    east: Mapping[str, Any] = field(default_factory=dict)
    west: Mapping[str, Any] = field(default_factory=dict)
    policy: Mapping[str, Any] = field(default_factory=dict)
    move: Migration = TO_WEST

    def problem(self) -> Problem:
        """Both pools of this row."""
        east, west = dict(self.east), dict(self.west)
        vms = (pool_vm("web", on="e1", **self.vm), *east.pop("vms", ()))
        hosts = [pool_host("e1", **self.source), pool_host("e2")]
        west_hosts = [pool_host("w1", **self.target), pool_host("w2")]
        return two_pools(
            one_pool("e", *vms, hosts=hosts, **east),
            one_pool("w", *west.pop("vms", ()), hosts=west_hosts, **west),
            policy=crossing_policy(**self.policy),
        )


def snapshot(name: str = "before", **changes: Any) -> VM:  # noqa: ANN401 - fields of VM
    """A snapshot of `web` without disks and interfaces."""
    bare: dict[str, Any] = {"is_a_snapshot": True, "is_a_template": True, "vbds": (), "vifs": ()}
    return make_vm(name, on=None, **bare | changes)


def taken(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of VDI
    """A pool with a snapshot of `web` and its disk, which is marked as *changes* say."""
    origin: dict[str, Any] = {"snapshot_of": "web-disk0", "is_a_snapshot": True}
    drives = (make_disk("before"),)
    return {"vms": (snapshot(vbds=drives),), "vdis": (full_disk("before-disk0", "e-shared", **origin | changes),)}


def remembered(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of VDI
    """A pool with a checkpoint of `web`, whose memory is on the shared SR and marked as *changes* say."""
    machine = snapshot(power_state=PowerState.SUSPENDED, suspend_vdi="memory")
    return {"vms": (machine,), "vdis": (full_disk("memory", changes.pop("sr", "e-shared"), **changes),)}


def checkpoint(**flags: str) -> VM:
    """A checkpoint of `web` that was booted on such a CPU."""
    booted = {"vendor": "GenuineIntel", "features": FEATURES} | flags
    return snapshot(power_state=PowerState.SUSPENDED, last_boot_cpu_flags=booted, metrics=make_metrics())


MARKS: Mapping[str, Mapping[str, Any]] = {
    "no-cbt": {"cbt_enabled": True},
    "not-encrypted": {"sm_config": {"key_hash": "1"}},
}
TAKEN = {"snapshots": ("before",)}
LICENCE_LESS = {"restrictions": {**LICENSED, "restrict_storage_xen_motion": "true"}}
UPGRADED = {"other_config": {"rolling_upgrade_in_progress": "yes"}}
UNSPECIFIED = make_metrics(current_domain_type=DomainType.UNSPECIFIED)
WITH_GPU: dict[str, Any] = {"vgpus": (vgpu(),)}
TWO_LANS = {"networks": (named("e-two", "lan"),)}
TO_L1 = replace(TO_WEST, disks=(DiskMove(drive="web-xvd0", source="e-shared", target="w-l1"),))
ROWS = (
    Row(rule="same-pool", legal=False, move=replace(TO_WEST, disks=())),
    Row(rule="same-pool", legal=True, move=Migration(vm="web", source="e1", target="e2")),
    Row(rule="licence-there", legal=False, west=LICENCE_LESS),
    Row(rule="licence-there", legal=True, east=LICENCE_LESS),
    Row(rule="storage-licence", legal=False, east=LICENCE_LESS),
    Row(rule="storage-licence", legal=True, west=LICENCE_LESS),
    Row(rule="version-order-pools", legal=False, target={"software_version": SOFTWARE | {"platform_version": "3.1.9"}}),
    Row(rule="version-order-pools", legal=True, source={"software_version": SOFTWARE | {"platform_version": "3.1.9"}}),
    Row(
        rule="no-vtpm",
        legal=False,
        vm={"vtpms": ("tpm",)},
        source={"software_version": OLD},
        target={"software_version": NEW},
    ),
    Row(rule="no-vtpm", legal=True, source={"software_version": OLD}),
    Row(
        rule="no-vtpm",
        legal=True,
        vm={"vtpms": ("tpm",)},
        source={"software_version": NEW},
        target={"software_version": NEW},
    ),
    Row(rule="hardware-platform", legal=False, vm={"hardware_platform_version": 3}),
    Row(rule="hardware-platform", legal=True, vm={"hardware_platform_version": 2}),
    Row(rule="target-enabled", legal=False, target={"enabled": False}),
    Row(rule="target-enabled", legal=True, source={"enabled": False}),
    Row(rule="enough-pcpus", legal=False, vm={"vcpus_max": 17}),
    Row(rule="enough-pcpus", legal=True, vm={"vcpus_max": 16}),
    Row(rule="networks-there", legal=True, vm={"vifs": ()}, target={"pifs": ()}),
    Row(rule="networks-there", legal=True),
    Row(rule="networks-mapped", legal=True, target={"pifs": ()}),
    Row(rule="networks-mapped", legal=True),
    Row(rule="networks-there", legal=False, target={"pifs": ()}),
    Row(rule="networks-there", legal=False, target={"pifs": (make_pif("w1", "w-lan", bond_slave_of="bond"),)}),
    Row(rule="networks-there", legal=False, target={"pifs": (make_pif("w1", "w-lan", free_virtual_functions=4),)}),
    Row(rule="networks-there", legal=True, source={"pifs": (make_pif("e1", "e-lan", free_virtual_functions=4),)}),
    Row(rule="networks-mapped", legal=False, vm={"vifs": (make_vif("web", "dangling"),)}),
    Row(rule="networks-there", legal=False, vm={"vifs": (make_vif("web", "e-lan", reserved_pci="vf"),)}),
    Row(
        rule="networks-there",
        legal=False,
        vm={"vifs": (make_vif("web", "e-lan"), make_vif("web", "e-lan", uuid="second", reserved_pci="vf"))},
    ),
    Row(
        rule="networks-mapped",
        legal=False,
        vm={"vifs": (make_vif("web", "e-dmz"),)},
        east={"networks": (named("e-dmz", "dmz"),)},
    ),
    Row(
        rule="networks-mapped",
        legal=True,
        vm={"vifs": (make_vif("web", "e-dmz"),)},
        east={"networks": (named("e-dmz", "dmz"),)},
        policy={"networks": {"dmz": "lan"}},
    ),
    Row(
        rule="networks-mapped",
        legal=True,
        vm={"vifs": (make_vif("web", "e-dmz"),)},
        east={"networks": (named("e-dmz", "dmz"),)},
        policy={"networks": {"e-dmz": "w-lan"}},
    ),
    Row(rule="networks-mapped", legal=False, west={"networks": (named("w-two", "lan"),)}),
    Row(
        rule="networks-mapped",
        legal=True,
        west={"networks": (named("w-two", "lan"),)},
        policy={"networks": {"lan": "w-lan"}},
    ),
    Row(rule="networks-mapped", legal=False, east=TWO_LANS),
    Row(rule="networks-mapped", legal=False, east=TWO_LANS, policy={"networks": {"lan": "w-lan"}}),
    Row(rule="networks-mapped", legal=True, east=TWO_LANS, policy={"networks": {"e-lan": "w-lan"}}),
    Row(rule="networks-mapped", legal=False, east={"networks": (named("e-lan", ""),)}),
    Row(
        rule="networks-mapped",
        legal=False,
        vm={"snapshots": ("before",)},
        east={"vms": (snapshot(vifs=(make_vif("before", "dangling", mac="02:00:00:00:00:02"),)),)},
    ),
    Row(
        rule="networks-mapped",
        legal=True,
        vm={"snapshots": ("before",)},
        east={"vms": (snapshot(vifs=(make_vif("before", "dangling"),)),)},
    ),
    Row(
        rule="networks-mapped",
        legal=True,
        vm={"snapshots": ("before",)},
        east={"vms": (snapshot(vifs=(make_vif("before", "e-lan"),)),)},
    ),
    Row(rule="no-upgrade-at-home", legal=False, east=UPGRADED),
    Row(rule="no-upgrade-at-home", legal=True, west=UPGRADED),
    Row(rule="sane-parameters", legal=False, vm={"vcpus_max": 1, "vcpus_at_startup": 2}),
    Row(rule="sane-parameters", legal=True),
    Row(rule="domain-type-known", legal=False, vm={"metrics": None}),
    Row(rule="domain-type-known", legal=True),
    Row(rule="cpu-vendor", legal=False, target={"cpu_info": CPU_INFO | {"vendor": "AuthenticAMD"}}),
    Row(rule="cpu-vendor", legal=True, source={"cpu_info": CPU_INFO | {"vendor": "AuthenticAMD"}}),
    Row(rule="cpu-features", legal=False, target={"cpu_info": CPU_INFO | {"features_hvm": "0fcbfbff-f7fa3223"}}),
    Row(rule="cpu-features", legal=True, source={"cpu_info": CPU_INFO | {"features_hvm": "0fcbfbff-f7fa3223"}}),
    Row(rule="checkpoint-cpu", legal=False, vm={"snapshots": ("before",)}, east={"vms": (checkpoint(vendor="AMD"),)}),
    Row(rule="checkpoint-cpu", legal=False, vm={"snapshots": ("before",)}, east={"vms": (checkpoint(features="f-f"),)}),
    Row(rule="checkpoint-cpu", legal=True, vm={"snapshots": ("before",)}, east={"vms": (checkpoint(features="0"),)}),
    Row(
        rule="checkpoint-cpu",
        legal=True,
        vm={"snapshots": ("before",)},
        east={"vms": (replace(checkpoint(vendor="AMD"), power_state=PowerState.HALTED),)},
    ),
    Row(
        rule="checkpoint-cpu",
        legal=True,
        vm={"snapshots": ("before",)},
        east={"vms": (replace(checkpoint(vendor="AMD"), metrics=UNSPECIFIED),)},
    ),
    Row(rule="vgpu-there", legal=True, vm=WITH_GPU, target=card("w1"), east=vgpu_types(), west=vgpu_types()),
    Row(rule="vgpu-there", legal=True, target=card("w1"), west=vgpu_types()),
    Row(rule="vgpu-there", legal=False, vm=WITH_GPU, east=vgpu_types()),
    Row(rule="vgpu-there", legal=False, vm=WITH_GPU, target=card("w1"), east=vgpu_types(), west=vgpu_types("gvt_g")),
    Row(
        rule="vgpu-there",
        legal=False,
        vm=WITH_GPU,
        target=card("w1", found=False),
        east=vgpu_types(),
        west=vgpu_types(),
    ),
    Row(rule="vgpu-there", legal=False, vm=WITH_GPU, target=card("w1", gpu_types=("1002",)), west=vgpu_types()),
    Row(
        rule="vgpu-there",
        legal=False,
        vm=WITH_GPU,
        target=card("w1", max_capacities={"t4": 0}),
        east=vgpu_types(),
        west=vgpu_types(),
    ),
    Row(
        rule="vgpu-there",
        legal=False,
        vm={"snapshots": ("before",)},
        east={"vms": (snapshot(**WITH_GPU),), **vgpu_types()},
    ),
    Row(rule="vgpu-first-card", legal=True, vm=WITH_GPU, target=card("w1"), east=vgpu_types()),
    Row(rule="vgpu-first-card", legal=False, vm=WITH_GPU, east=vgpu_types()),
    Row(rule="target-live", legal=False, target={"live": False}),
    Row(rule="target-live", legal=True, source={"live": False}),
    Row(rule="hvm-capable", legal=False, target={"capabilities": ()}),
    Row(rule="hvm-capable", legal=True, source={"capabilities": ()}),
    Row(rule="source-live", legal=False, source={"live": False}),
    Row(rule="source-live", legal=True, target={"live": False}),
    Row(rule="target-not-evacuating", legal=False, target={"current_operations": ("evacuate",)}),
    Row(rule="target-not-evacuating", legal=True, source={"current_operations": ("evacuate",)}),
    Row(rule="ha-unprotected", legal=False, vm={"ha_always_run": True}, west={"ha": HA_ON}),
    Row(rule="ha-unprotected", legal=False, vm={"ha_always_run": True}, east={"ha": HA_ON}),
    Row(rule="ha-unprotected", legal=False, vm={"ha_always_run": True}, west={"ha": HA_ON}, policy=ENFORCED),
    Row(rule="ha-unprotected", legal=True, vm={"ha_always_run": True}),
    Row(rule="ha-unprotected", legal=True, west={"ha": HA_ON}, policy=ENFORCED),
    Row(rule="ha-unprotected", legal=True, vm={"ha_restart_priority": "restart"}, east={"ha": HA_ON}, policy=ENFORCED),
    Row(rule="ha-off", legal=False, west={"ha": HA_ON}),
    Row(rule="ha-off", legal=False, east={"ha": HA_ON}),
    Row(rule="ha-off", legal=True, west={"ha": HA_ON}, policy=ENFORCED),
    Row(rule="ha-off", legal=True, east={"ha": HA_ON}, policy={"rules": {"relax": ["ha-off"]}}),
    Row(rule="no-vgpu", legal=False, vm={"vgpus": (vgpu(),)}),
    Row(rule="no-vgpu", legal=True),
    Row(
        rule="no-checkpoint", legal=False, vm={"snapshots": ("before",)}, east={"vms": (snapshot(suspend_vdi="image"),)}
    ),
    Row(rule="no-checkpoint", legal=True, vm={"snapshots": ("before",)}, east={"vms": (snapshot(),)}),
    *(Row(rule=rule, legal=False, vm=TAKEN, east=taken(**mark)) for rule, mark in MARKS.items()),
    *(Row(rule=rule, legal=True, vm=TAKEN, east=taken()) for rule in MARKS),
    *(Row(rule=rule, legal=False, vm=TAKEN, east=remembered(**mark)) for rule, mark in MARKS.items()),
    *(Row(rule=rule, legal=True, vm=TAKEN, east=remembered()) for rule in MARKS),
    Row(rule="disks-present", legal=False, east={"vdis": (full_disk("web-disk0", "e-shared", missing=True),)}),
    Row(rule="disks-present", legal=True, west={"vdis": (full_disk("other", "w-shared", missing=True),)}),
    Row(
        rule="no-checkpoint",
        legal=False,
        vm={"snapshots": ("before",)},
        east={"vms": (snapshot(power_state=PowerState.SUSPENDED),)},
    ),
    Row(
        rule="suspend-images",
        legal=False,
        vm={"snapshots": ("before",)},
        east={"vms": (snapshot(power_state=PowerState.SUSPENDED),)},
    ),
    Row(rule="suspend-images", legal=False, vm={"snapshots": ("before",)}, east=remembered(sr="elsewhere")),
    Row(rule="suspend-images", legal=True, vm={"snapshots": ("before",)}, east=remembered()),
    Row(rule="suspend-images", legal=True, vm={"snapshots": ("before",)}, east={"vms": (snapshot(),)}),
    Row(rule="snapshots-follow", legal=False, vm={"snapshots": ("forgotten",)}),
    Row(rule="snapshots-follow", legal=True, vm=TAKEN, east=taken()),
    Row(rule="srs-mapped", legal=True, move=TO_L1),
    Row(rule="srs-mapped", legal=True, policy={"srs": {"e-shared": "w-shared"}}),
    Row(rule="srs-mapped", legal=True, policy={"srs": {"e-l1": "w-l1"}}),
    Row(rule="srs-mapped", legal=False, move=TO_L1, policy={"srs": {"e-shared": "w-shared"}}),
    Row(rule="srs-mapped", legal=False, policy={"srs": {"e-shared": "e-l1"}}),
    Row(rule="op-not-blocked", legal=False, vm={"blocked_operations": {"migrate_send": "no"}}),
    Row(rule="op-not-blocked", legal=True, vm={"blocked_operations": {"pool_migrate": "no"}}),
    Row(rule="guest-tools-installed", legal=False, vm={"guest_metrics": None}),
    Row(rule="never-move", legal=False, policy={"never_move": ("web",)}),
    Row(rule="sr-allowed", legal=False, policy={"storage_motion": {"enabled": True, "never": ("w-shared",)}}),
    Row(rule="target-sr-attached", legal=False, move=replace(TO_WEST, target="w2", disks=TO_L1.disks)),
)
