"""The move of `web` from h1 to h2 with its disk, with one thing changed: a table that was written by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rebalancer.inventory import HighAvailability, PowerState
from rebalancer.problem import Problem
from rebalancer.units import GIB
from tests.pools import (
    SOFTWARE,
    make_cd,
    make_disk,
    make_driver,
    make_host,
    make_pbd,
    make_pif,
    make_pool,
    make_sr,
    make_vdi,
    make_vm,
    policy_of,
    problem_of,
)
from tests.rules.row import card, vgpu, vgpu_types

LICENSED = {"restrict_storage_xen_motion": "false"}
DRIVERS = {
    "nfs": make_driver("nfs", features=("VDI_MIRROR", "VDI_SNAPSHOT/2")),
    "raw": make_driver("raw", features=("VDI_CREATE",)),
    "receiver": make_driver("receiver", features=("VDI_MIRROR_IN", "VDI_SNAPSHOT")),
}
SRS = (make_sr("local", shared=False), make_sr("raw", type="raw"), make_sr("receiver", type="receiver"))
MOVES = {"web-disk0": "local"}
STAYS = {"web-disk0": "shared"}
HA_ON = HighAvailability(enabled=True, host_failures_to_tolerate=1, plan_exists_for=1, allow_overcommit=False)
TWO = (make_disk("web", 0), make_disk("web", 1))
XENSERVER_62 = {"platform_version": "1.8.0", "product_version": "6.2.0", "xapi": "1.3"}
XENSERVER_70 = {"platform_version": "2.1.0", "product_version": "7.0.0", "xapi": "1.3"}
MUTE = card("h2", uuid="mute", gpu_group="other", compatibility_metadata={})["pgpus"]
MUTE_FIRST = {"pgpus": (*MUTE, *card("h2")["pgpus"])}
MUTE_LAST = {"pgpus": (*card("h2")["pgpus"], *MUTE)}
OTHER_HARDWARE = card("h2", uuid="mute", gpu_types=("1002",), compatibility_metadata={})["pgpus"]
MUTE_OTHER = {"pgpus": (*OTHER_HARDWARE, *card("h2")["pgpus"])}
SUSPENDED: Mapping[str, Any] = {"power_state": PowerState.SUSPENDED}
SNAPPED = {"snapshots": ("s1",)}
TRACKED = {"cbt_enabled": True}
LOCKED = {"sm_config": {"key_hash": "1"}}
UNPLUGGED = {"pbds": tuple(make_pbd("h2", sr, attached=sr != "raw") for sr in ("shared", "local", "raw"))}
SEVEN = tuple(make_disk("web", number) for number in range(7))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The move of `web`, its disk to SR local, from h1 to h2, with one thing changed."""

    rule: str
    legal: bool
    disks: Mapping[str, str] = field(default_factory=lambda: MOVES)
    software: Mapping[str, str] = field(default_factory=lambda: SOFTWARE)
    vm: Mapping[str, Any] = field(default_factory=dict)
    target: Mapping[str, Any] = field(default_factory=dict)
    pool: Mapping[str, Any] = field(default_factory=dict)
    policy: Mapping[str, Any] = field(default_factory=dict)

    def problem(self) -> Problem:
        """The pool of this row."""
        vm = make_vm("web", **{"on": "h1", **self.vm})
        target = {"srs": ("shared", "local"), "software_version": self.software, **self.target}
        hosts = (make_host("h1", software_version=self.software), make_host("h2", **target))
        parts = {"srs": SRS, "restrictions": LICENSED, "storage_drivers": DRIVERS, **self.pool}
        vms = [vm, *parts.pop("vms", ())]
        return problem_of(make_pool(hosts=hosts, vms=vms, **parts), policy=policy_of(**self.policy))


def disk(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of VDI
    """A pool where the VM's disk is another."""
    return {"vdis": (make_vdi("web-disk0", **changes),)}


def snapshot(origin: str, *, taken: Mapping[str, Any] | None = None, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of VM
    """A pool with the snapshot `s1`, whose disk was taken of *origin* and is otherwise as *taken* says."""
    machine = make_vm("s1", on=None, is_a_snapshot=True, is_a_template=True, **changes)
    return {"vms": (machine,), "vdis": (make_vdi("s1-disk0", snapshot_of=origin, is_a_snapshot=True, **taken or {}),)}


def checkpoint(sr: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of VDI
    """A pool with the snapshot `s1` without disks, whose memory is on *sr*."""
    machine = make_vm("s1", on=None, is_a_snapshot=True, is_a_template=True, vbds=(), suspend_vdi="memory", **SUSPENDED)
    return {"vms": (machine,), "vdis": (make_vdi("memory", sr=sr, type="suspend", **changes),)}


OTHER = make_vm("other", vbds=(make_disk("other", vdi="web-disk0"),))

ROWS = (
    Row(rule="storage-licence", legal=False, pool={"restrictions": {}}),
    Row(rule="storage-licence", legal=False, pool={"restrictions": {"restrict_storage_xen_motion": "true"}}),
    Row(rule="disks-mapped", legal=True, vm={"vbds": (make_disk("web"), make_cd("web", "image"))}),
    Row(rule="disks-mapped", legal=False, disks={}),
    Row(rule="disks-mapped", legal=False, vm={"vbds": TWO}),
    Row(rule="version-order-storage", legal=True, target={"software_version": SOFTWARE | {"xen": "4.18"}}),
    Row(rule="version-order-storage", legal=False, target={"software_version": SOFTWARE | {"xen": "4.16"}}),
    Row(rule="sr-capabilities", legal=True, disks={"web-disk0": "receiver"}),
    Row(rule="sr-capabilities", legal=True, disks={"web-disk0": "raw"}, pool=disk(sr="raw")),
    Row(rule="sr-capabilities", legal=False, disks={"web-disk0": "raw"}),
    Row(rule="sr-capabilities", legal=False, pool=disk(sr="receiver")),
    Row(rule="sr-capabilities", legal=False, disks={"web-disk0": "nowhere"}),
    Row(rule="no-cbt", legal=True, disks=STAYS, pool=disk(cbt_enabled=True)),
    Row(rule="no-cbt", legal=True, pool=disk(cbt_enabled=None)),
    Row(rule="no-cbt", legal=False, pool=disk(cbt_enabled=True)),
    Row(rule="no-cbt", legal=False, vm=SNAPPED, pool=snapshot("web-disk0", taken=TRACKED)),
    Row(rule="no-cbt", legal=True, disks=STAYS, vm=SNAPPED, pool=snapshot("web-disk0", taken=TRACKED)),
    Row(rule="no-cbt", legal=True, vm=SNAPPED, pool=snapshot("web-disk0", taken=TRACKED | {"sr": "local"})),
    Row(rule="no-cbt", legal=False, vm=SNAPPED, pool=snapshot("gone", taken=TRACKED) | {"default_sr": "local"}),
    Row(rule="no-cbt", legal=True, vm=SNAPPED, pool=snapshot("gone", taken=TRACKED) | {"default_sr": "shared"}),
    Row(rule="no-cbt", legal=True, vm=SNAPPED, pool=snapshot("gone", taken=TRACKED) | {"default_sr": None}),
    Row(rule="no-cbt", legal=True, vm={"snapshots": ("s2",)}, pool=snapshot("web-disk0", taken=TRACKED)),
    Row(rule="no-cbt", legal=False, vm=SNAPPED, pool=checkpoint("raw", cbt_enabled=True)),
    Row(rule="no-cbt", legal=True, vm=SNAPPED, pool=checkpoint("shared", cbt_enabled=True)),
    Row(rule="no-cbt", legal=True, vm=SNAPPED, pool=checkpoint("raw")),
    Row(rule="no-cbt", legal=True, vm=SNAPPED, target=UNPLUGGED, pool=checkpoint("raw", cbt_enabled=True)),
    Row(rule="not-encrypted", legal=True, disks=STAYS, pool=disk(sm_config={"key_hash": "1"})),
    Row(rule="not-encrypted", legal=False, vm=SNAPPED, pool=snapshot("web-disk0", taken=LOCKED)),
    Row(rule="not-encrypted", legal=True, disks=STAYS, vm=SNAPPED, pool=snapshot("web-disk0", taken=LOCKED)),
    Row(rule="not-encrypted", legal=False, vm=SNAPPED, pool=checkpoint("raw", **LOCKED)),
    Row(rule="not-encrypted", legal=True, vm=SNAPPED, pool=checkpoint("raw")),
    Row(rule="not-encrypted", legal=False, pool=disk(sm_config={"key_hash": "1"})),
    Row(rule="memory-now", legal=True, target={"memory_total_bytes": 4 * GIB + (700 + 2048 + 21) * 2**20}),
    Row(rule="memory-now", legal=False, target={"memory_total_bytes": 4 * GIB + (700 + 2048 + 21) * 2**20 - 1}),
    Row(
        rule="memory-now",
        legal=True,
        vm={"scheduled_to_be_resident_on": "h2"},
        target={"memory_total_bytes": 4 * GIB + (700 + 2048 + 21) * 2**20},
    ),
    Row(rule="sriov-capacity", legal=True, target={"pifs": (make_pif("h2", free_virtual_functions=1),)}),
    Row(rule="sriov-capacity", legal=False, target={"pifs": (make_pif("h2", free_virtual_functions=0),)}),
    Row(
        rule="iommu",
        legal=False,
        vm={"vgpus": (vgpu(),)},
        target={"chipset_info": {}},
        pool=vgpu_types("passthrough"),
    ),
    Row(rule="vgpu-capacity", legal=False, vm={"vgpus": (vgpu(),)}, pool=vgpu_types()),
    Row(rule="vgpu-first-card", legal=True, vm={"vgpus": (vgpu(),)}, target=card("h2"), pool=vgpu_types()),
    Row(rule="vgpu-first-card", legal=True, vm={"vgpus": (vgpu(),)}, target=MUTE_LAST, pool=vgpu_types()),
    Row(rule="vgpu-first-card", legal=True, vm={"vgpus": (vgpu(),)}, target=MUTE_OTHER, pool=vgpu_types()),
    Row(rule="vgpu-first-card", legal=True, vm={"vgpus": (vgpu(),)}, target=MUTE_FIRST, pool=vgpu_types("gvt_g")),
    Row(
        rule="vgpu-first-card",
        legal=True,
        vm={"vgpus": (vgpu(),), "power_state": PowerState.HALTED},
        target=MUTE_FIRST,
        pool=vgpu_types(),
    ),
    Row(rule="vgpu-first-card", legal=False, vm={"vgpus": (vgpu(),)}, target=MUTE_FIRST, pool=vgpu_types()),
    Row(
        rule="vgpu-first-card",
        legal=False,
        vm={"vgpus": (vgpu(scheduled_to_be_resident_on="h2-card"),)},
        target=card("h2", gpu_types=("10de/20b5",)),
        pool=vgpu_types(),
    ),
    Row(rule="vgpu-driver", legal=False, vm={"vgpus": (vgpu(),)}, target=card("h2"), pool=vgpu_types()),
    Row(rule="control-domain-home", legal=True, vm={"is_control_domain": True, "affinity": "h2"}),
    Row(rule="control-domain-home", legal=False, vm={"is_control_domain": True, "affinity": "h1"}),
    Row(rule="usb-on-target", legal=True, vm={"usb_hosts": ("h2",)}),
    Row(rule="usb-on-target", legal=False, vm={"usb_hosts": ("h1", "h2")}),
    Row(rule="on-boot-persist", legal=False, disks=STAYS, pool=disk(on_boot="reset")),
    Row(rule="target-sr-attached", legal=True, disks=STAYS),
    Row(rule="target-sr-attached", legal=False, target={"srs": ("shared",)}),
    Row(rule="disk-of-one-vm", legal=True, disks=STAYS, pool={"vms": (OTHER,)}),
    Row(rule="disk-of-one-vm", legal=False, pool={"vms": (OTHER,)}),
    Row(rule="snapshots-follow", legal=True, vm={"snapshots": ("s1",)}, pool=snapshot("web-disk0")),
    Row(rule="snapshots-follow", legal=False, vm={"snapshots": ("s1",)}, pool=snapshot("web-disk1")),
    Row(rule="snapshots-follow", legal=False, vm={"snapshots": ("s2",)}, pool=snapshot("web-disk0")),
    Row(rule="suspend-images", legal=True, vm=SNAPPED, pool=snapshot("web-disk0")),
    Row(rule="suspend-images", legal=False, vm=SNAPPED, pool=snapshot("web-disk0", **SUSPENDED)),
    Row(rule="suspend-images", legal=True, vm=SNAPPED, pool=checkpoint("shared")),
    Row(rule="suspend-images", legal=False, vm=SNAPPED, pool=checkpoint("raw")),
    Row(rule="suspend-images", legal=True, vm=SNAPPED, pool=checkpoint("local")),
    Row(rule="suspend-images", legal=False, vm=SUSPENDED),
    Row(rule="one-snapshot", legal=True, vm={"snapshots": ("s1",)}),
    Row(rule="one-snapshot", legal=False, vm={"snapshots": ("s1", "s2")}),
    Row(rule="few-snapshots", legal=True, software=XENSERVER_62, vm={"snapshots": ("s1",)}, pool=snapshot("web-disk0")),
    Row(rule="few-snapshots", legal=False, software=XENSERVER_62, vm={"snapshots": ("s1", "s1")}, pool=snapshot("o")),
    Row(rule="few-snapshots", legal=True, software=XENSERVER_70, vm={"snapshots": ("s1", "s2")}),
    Row(rule="few-snapshots", legal=True, vm={"snapshots": ("s1", "s2")}),
    Row(
        rule="snapshot-without-memory",
        legal=True,
        software=XENSERVER_62,
        vm={"snapshots": ("s1",)},
        pool=snapshot("web-disk0"),
    ),
    Row(
        rule="snapshot-without-memory",
        legal=False,
        software=XENSERVER_62,
        vm={"snapshots": ("s1",)},
        pool=snapshot("web-disk0", **SUSPENDED),
    ),
    Row(rule="snapshot-without-memory", legal=False, software=XENSERVER_62, vm={"snapshots": ("s2",)}),
    Row(rule="snapshot-without-memory", legal=True, software=XENSERVER_62),
    Row(
        rule="snapshot-without-memory",
        legal=True,
        software=XENSERVER_70,
        vm={"snapshots": ("s1",)},
        pool=snapshot("web-disk0", **SUSPENDED),
    ),
    Row(rule="six-disks", legal=True, vm={"vbds": SEVEN[:6]}),
    Row(rule="six-disks", legal=False, vm={"vbds": SEVEN}),
    Row(rule="no-storagelink", legal=True, pool={"srs": (make_sr("local", type="cslg2"),)}),
    Row(rule="no-storagelink", legal=False, pool={"srs": (make_sr("local", type="cslg"),)}),
    Row(rule="no-storagelink", legal=False, disks=STAYS, pool={"srs": (make_sr("shared", type="cslg"),)}),
    Row(rule="no-storagelink", legal=False, pool={"srs": (make_sr("shared", type="cslg"),)}),
    Row(
        rule="not-xendesktop", legal=True, policy={"storage_motion": {"xendesktop": ["other"]}}, pool={"vms": (OTHER,)}
    ),
    Row(rule="not-xendesktop", legal=False, policy={"storage_motion": {"xendesktop": ["web"]}}),
    Row(rule="ha-off", legal=False, pool={"ha": HA_ON}),
    Row(
        rule="space-on-target",
        legal=True,
        pool={"srs": (make_sr("local", physical_size_bytes=1064 * GIB),)},
    ),
    Row(
        rule="space-on-target",
        legal=False,
        pool={"srs": (make_sr("local", physical_size_bytes=1064 * GIB - 1),)},
    ),
    Row(
        rule="space-on-target",
        legal=False,
        pool={
            "srs": (make_sr("local", physical_size_bytes=1064 * GIB),),
            "vdis": (make_vdi("old", snapshot_of="web-disk0", virtual_size_bytes=1),),
        },
    ),
    Row(rule="vm-not-paused", legal=True, vm={"power_state": PowerState.SUSPENDED}),
    Row(rule="vm-not-paused", legal=False, vm={"power_state": PowerState.PAUSED}),
    Row(rule="not-default-template", legal=True, vm={"is_a_template": True}),
    Row(rule="not-default-template", legal=False, vm={"is_a_template": True, "is_default_template": True}),
    Row(rule="op-not-blocked", legal=True, vm={"blocked_operations": {"pool_migrate": "no"}}),
    Row(rule="op-not-blocked", legal=False, vm={"blocked_operations": {"migrate_send": "no"}}),
)
