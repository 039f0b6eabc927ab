"""Rows about targets, and about a VM and a target."""

from __future__ import annotations

from rebalancer.inventory import DomainType, PowerState
from tests.pools import (
    CPU_INFO,
    SOFTWARE,
    make_cd,
    make_disk,
    make_network,
    make_pbd,
    make_pif,
    make_sr,
    make_vdi,
    make_vif,
    make_vm,
)
from tests.rules.row import (
    booted_with,
    card,
    cpu,
    illegal,
    legal,
    metrics,
    neighbour,
    software,
    vgpu,
    vgpu_types,
    without,
)

UPGRADE = {"other_config": {"rolling_upgrade_in_progress": "h1"}}
INTERNAL = {"networks": (make_network("inner"),)}
ON_INNER = {"networks": ("inner",)}
LOCAL = {"srs": (make_sr("local", shared=False),), "vdis": (make_vdi("local-disk", "local"),)}
ISO = {"srs": (make_sr("isos"),), "vdis": (make_vdi("image", "isos"),)}
OLD = {"platform_version": "1.6.10", "product_version": "6.1.0", "xapi": "1.3"}
TWO_KINDS = {"enabled_types": ("t4", "p4"), "max_capacities": {"t4": 2, "p4": 2}}
TWO_CARDS = {"pgpus": (*card("h2", **TWO_KINDS)["pgpus"], *card("h2", uuid="empty", **TWO_KINDS)["pgpus"])}
MUTE_CARD = card("h2", compatibility_metadata={})
MUTE_SECOND = {
    "pgpus": (
        *card("h2")["pgpus"],
        *card("h2", uuid="mute", gpu_group="mute", compatibility_metadata={})["pgpus"],
    )
}
SEES_LOCAL = {"srs": ("shared", "local")}

TARGET_ROWS = (
    legal("target-live", source={"enabled": False}),
    illegal("target-live", target={"live": False}),
    illegal("target-live", target={"live": None}),
    legal("target-enabled", source={"enabled": False}),
    illegal("target-enabled", target={"enabled": False}),
    legal("target-not-evacuating", target={"current_operations": ("vm_start", "vm_migrate")}),
    illegal("target-not-evacuating", target={"current_operations": ("evacuate",)}),
    illegal("target-not-evacuating", target={"current_operations": ("vm_start", "shutdown")}),
    legal("coordinator-version", target=software(platform_version="3.4.1")),
    legal("coordinator-version", pool=UPGRADE),
    illegal("coordinator-version", pool=UPGRADE, target=software(platform_version="3.4.1")),
    legal("host-to-be-emptied", policy={"empty": ("h1",)}),
    illegal("host-to-be-emptied", policy={"empty": ("h2",)}),
    legal("host-held", target=cpu(modelname="")),
    legal("host-held", source={"cpu_info": without(CPU_INFO, "cpu_count")}, policy={"empty": ("h1",)}),
    illegal("host-held", target={"cpu_info": without(CPU_INFO, "cpu_count")}),
    illegal("host-held", target=cpu(cpu_count="0")),
    illegal("host-held", target=cpu(cpu_count="many")),
    illegal("host-held", target={"live": None}),
    illegal("host-held", target={"memory_total_bytes": None}),
    illegal("host-held", target={"unsaid": ("PIF.VLAN",)}),
    illegal("host-held", target=cpu(features_hvm="17c9cbf5-xyz")),
    illegal("host-held", target={"cpu_info": without(CPU_INFO, "vendor")}),
    illegal("host-held", target={"software_version": without(SOFTWARE, "xen")}),
    legal("host-held", target=software(xen="4.13", product_version="8.2.1")),
    legal("stays-on-held-host", target={"cpu_info": without(CPU_INFO, "cpu_count")}),
    legal("stays-on-held-host", source={"cpu_info": without(CPU_INFO, "cpu_count")}, policy={"empty": ("h1",)}),
    illegal("stays-on-held-host", source={"cpu_info": without(CPU_INFO, "cpu_count")}),
    illegal("stays-on-held-host", source={"cpu_info": without(CPU_INFO, "cpu_count")}, policy={"empty": ("h2",)}),
    illegal("stays-on-held-host", source={"live": False}),
)

PAIR_ROWS = (
    legal("cpu-vendor", vm={"last_boot_cpu_flags": {}}),
    illegal("cpu-vendor", vm=booted_with(vendor="AuthenticAMD")),
    illegal("cpu-vendor", target={"cpu_info": without(CPU_INFO, "vendor")}),
    legal("cpu-features", vm=booted_with(features="1fcbfbff-f7fa3223-ffffffff")),
    legal("cpu-features", vm=booted_with(features="")),
    illegal("cpu-features", vm=booted_with(features="1fcbfbff-f7fa3227")),
    legal("cpu-features", target=cpu(features_hvm="1fcbfbff")),
    illegal("cpu-features", target=cpu(features_hvm="1fcbfbff-f7fa3222")),
    illegal("cpu-features", vm=booted_with(features="nonsense")),
    illegal("cpu-features", target={"cpu_info": without(CPU_INFO, "features_hvm")}),
    legal("cpu-features", source={"software_version": OLD, "cpu_info": {"vendor": "GenuineIntel"}}),
    legal("version-order-upgrade", target=software(xen="4.16")),
    legal("version-order-upgrade", pool=UPGRADE, target=software(xen="4.17.5-13")),
    illegal("version-order-upgrade", pool=UPGRADE, target=software(xen="4.17.5-12")),
    illegal("version-order-upgrade", pool=UPGRADE, target=software(xapi_build="26.1")),
    illegal("version-order-upgrade", pool=UPGRADE, target={"software_version": without(SOFTWARE, "xen")}),
    legal("version-order", target=software(platform_version="3.4.0.1")),
    illegal("version-order", target=software(platform_version="3.3.9")),
    legal("version-order", source=software(xapi_build="25.30"), target=software(xapi_build="25.30", xen="4.16")),
    legal("hardware-platform", vm={"hardware_platform_version": 2}),
    legal("hardware-platform", target={"virtual_hardware_platform_versions": None}),
    illegal("hardware-platform", vm={"hardware_platform_version": 3}),
    illegal("hardware-platform", target={"virtual_hardware_platform_versions": (1, 2)}),
    legal("shared-sr-visible", vm={"vbds": (make_disk("web"), make_cd("web", None))}),
    legal("shared-sr-visible", vm={"vbds": (make_cd("web", "image", empty=True),)}, pool=ISO),
    legal("shared-sr-visible", vm={"vbds": (make_disk("web", vdi="local-disk"),)}, pool=LOCAL, target=SEES_LOCAL),
    illegal("shared-sr-visible", vm={"vbds": (make_disk("web", vdi="local-disk"),)}, pool=LOCAL, source=SEES_LOCAL),
    illegal("shared-sr-visible", vm={"vbds": (make_disk("web"), make_cd("web", "image"))}, pool=ISO),
    illegal("shared-sr-visible", target={"pbds": (make_pbd("h2", attached=False),)}),
    illegal("shared-sr-visible", vm={"vbds": (make_disk("web", vdi=None),)}),
    legal("network-on-target", target={"pifs": (make_pif("h2", currently_attached=False),)}),
    legal("network-on-target", vm=ON_INNER, pool=INTERNAL | {"vms": (make_vm("peer", on="h2", networks=("inner",)),)}),
    legal(
        "network-on-target",
        vm=ON_INNER,
        pool={"networks": (make_network("inner", other_config={"assume_network_is_shared": "true"}),)},
    ),
    legal("network-on-target", vm=ON_INNER, pool={"networks": (make_network("inner", managed=False),)}),
    illegal("network-on-target", vm=ON_INNER, pool=INTERNAL),
    illegal(
        "network-on-target",
        vm=ON_INNER,
        pool=INTERNAL | {"vms": (make_vm("peer", on="h2", networks=("inner",), power_state=PowerState.PAUSED),)},
    ),
    illegal("network-on-target", target={"networks": ()}),
    illegal("network-on-target", vm={"vifs": (make_vif("web", "dangling"),)}),
    legal("no-bond-slave", source={"pifs": (make_pif("h1", bond_slave_of="bond"),)}),
    illegal("no-bond-slave", target={"pifs": (make_pif("h2", bond_slave_of="bond"),)}),
    legal("iommu", target={"chipset_info": {}}),
    legal("iommu", vm={"vgpus": (vgpu(),)}, pool=vgpu_types("mxgpu")),
    illegal("iommu", vm={"vgpus": (vgpu(),)}, pool=vgpu_types("mxgpu"), target={"chipset_info": {"iommu": "false"}}),
    illegal("iommu", vm={"vgpus": (vgpu(),)}, pool=vgpu_types("passthrough"), target={"chipset_info": {}}),
    legal("vgpu-capacity", vm={"vgpus": (vgpu(),)}, target=card("h2"), pool=neighbour(1)),
    legal("vgpu-capacity", vm={"vgpus": (vgpu(scheduled_to_be_resident_on="h2-card"),)}, pool=neighbour(0)),
    legal("vgpu-capacity", vm={"vgpus": (vgpu(),)}, target=card("h2", max_capacities={"t4": 1}), pool=neighbour(0)),
    legal("vgpu-capacity", vm={"vgpus": (vgpu(), vgpu(type="p4"))}, target=TWO_CARDS, pool=neighbour(1)),
    illegal("vgpu-capacity", vm={"vgpus": (vgpu(scheduled_to_be_resident_on="h2-card"), vgpu())}, pool=neighbour(0)),
    illegal("vgpu-capacity", vm={"vgpus": (vgpu(),)}, target=card("h2"), pool=neighbour(2)),
    illegal("vgpu-capacity", vm={"vgpus": (vgpu(), vgpu(uuid="two"))}, target=card("h2"), pool=neighbour(1)),
    illegal("vgpu-capacity", vm={"vgpus": (vgpu(),)}, target=card("h2", enabled_types=()), pool=neighbour(0)),
    illegal("vgpu-capacity", vm={"vgpus": (vgpu(),)}, target=card("h2", gpu_group="other"), pool=neighbour(0)),
    illegal("vgpu-capacity", vm={"vgpus": (vgpu(),)}, target=card("h2", max_capacities={}), pool=neighbour(0)),
    legal("vgpu-metadata", vm={"vgpus": (vgpu(),)}, target=card("h2"), pool=vgpu_types()),
    legal("vgpu-metadata", vm={"vgpus": (vgpu(),)}, target=MUTE_CARD, pool=vgpu_types("gvt_g")),
    legal(
        "vgpu-metadata",
        vm={"vgpus": (vgpu(),), "power_state": PowerState.HALTED},
        target=MUTE_CARD,
        pool=vgpu_types(),
    ),
    illegal("vgpu-metadata", vm={"vgpus": (vgpu(),)}, target=MUTE_CARD, pool=vgpu_types()),
    illegal("vgpu-metadata", vm={"vgpus": (vgpu(), vgpu(gpu_group="mute"))}, target=MUTE_SECOND, pool=vgpu_types()),
    legal("sriov-capacity", target={"pifs": (make_pif("h2", free_virtual_functions=1),)}),
    illegal("sriov-capacity", target={"pifs": (make_pif("h2", free_virtual_functions=0),)}),
    illegal(
        "sriov-capacity",
        vm={"vifs": (make_vif("web"), make_vif("web", uuid="second"))},
        target={"pifs": (make_pif("h2", free_virtual_functions=1),)},
    ),
    legal("hvm-capable", target={"capabilities": ("xen-3.0-x86_64",)}, vm=metrics(current_domain_type=DomainType.PV)),
    illegal("hvm-capable", target={"capabilities": ("xen-3.0-x86_64",)}),
    illegal("hvm-capable", target={"capabilities": ()}, vm=metrics(current_domain_type=DomainType.PVH)),
    legal("enough-pcpus", vm={"vcpus_max": 16}),
    legal("enough-pcpus", vm={"vcpus_max": 17, "platform": {"vcpu-unrestricted": "true"}}),
    illegal("enough-pcpus", vm={"vcpus_max": 17}),
    illegal("enough-pcpus", target=cpu(cpu_count="")),
    legal("must-run-on", policy={"run_on": ({"name": "pair", "vms": ("web",), "hosts": ("h2",)},)}),
    illegal("must-run-on", policy={"run_on": ({"name": "pair", "vms": ("web",), "hosts": ("h1",)},)}),
)
