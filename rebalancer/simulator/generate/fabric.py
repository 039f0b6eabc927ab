"""The pool below its guests: hosts, networks and storage, as XCP-ng 8.3 records them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rebalancer.simulator.generate.builder import GIB, MADE, MIB, Builder

HOST_NAMES = [
    "alder", "ash", "aspen", "beech", "birch", "cedar", "elm", "fir", "hazel", "holly", "larch", "linden", "maple",
    "oak", "pine", "poplar", "rowan", "spruce", "willow", "yew",
]  # fmt: skip

HVM_FEATURES = (
    "1fcbfbff-f7fa3223-2d93fbff-00000523-00000001-000007ab-00000000-00000000-00001000-ac000400" + "-00000000" * 8
)
PV_FEATURES = (
    "1fc9cbf5-f6f83203-2991cbf5-00000523-00000001-00000329-00000000-00000000-00001000-ac000400" + "-00000000" * 8
)
SOFTWARE = {
    "build_number": "cloud", "date": "20260512T00:00:00Z", "dbv": "0.0.1", "hostname": "localhost",
    "linux": "4.19.0+1", "network_backend": "openvswitch", "platform_name": "XCP", "platform_version": "3.4.0",
    "product_brand": "XCP-ng", "product_version": "8.3.0", "product_version_text": "8.3",
    "xapi": "26.1", "xapi_build": "26.1.4", "xen": "4.17.5-13",
}  # fmt: skip
CPU = {
    "socket_count": "2", "threads_per_core": "2", "nr_nodes": "2", "vendor": "GenuineIntel", "speed": "2394.376",
    "family": "6", "model": "85", "stepping": "7", "flags": "fpu de tsc msr pae",
    "modelname": "Intel(R) Xeon(R) Silver 4214R CPU @ 2.40GHz", "features_hvm": HVM_FEATURES,
    "features_pv": PV_FEATURES, "features_hvm_host": HVM_FEATURES, "features_pv_host": PV_FEATURES, "maskable": "full",
}  # fmt: skip
POOL_CPU = {key: CPU[key] for key in ("vendor", "features_hvm_host", "features_pv_host")}
# What all hosts have alike.
HOST: dict[str, Any] = {
    "name_description": "Default install", "enabled": True, "memory_overhead": str(700 * MIB),
    "software_version": SOFTWARE, "chipset_info": {"iommu": "true"}, "edition": "xcp-ng", "sched_policy": "credit",
    "capabilities": ["xen-3.0-x86_64", "hvm-3.0-x86_32", "hvm-3.0-x86_32p", "hvm-3.0-x86_64"],
    "allowed_operations": ["vm_migrate", "provision", "vm_resume", "enable", "evacuate", "vm_start"],
    "virtual_hardware_platform_versions": ["0", "1", "2"], "display": "enabled",
    "license_params": {"restrict_xen_motion": "false", "restrict_storage_xen_motion": "false"},
    "other_config": {"agent_start_time": "1790000000.", "boot_time": "1789990000."},
    "API_version_major": "2", "API_version_minor": "21", "API_version_vendor": "XenSource",
    "numa_affinity_policy": "default_policy",
}  # fmt: skip
DOM0: dict[str, Any] = {
    "name_description": "The domain which manages physical devices and manages other domains",
    "is_control_domain": True, "power_state": "Running", "domid": "0", "domain_type": "pv", "VCPUs_max": "8",
    "VCPUs_at_startup": "8", "HVM_shadow_multiplier": 1.0, "memory_overhead": str(37 * MIB),
}  # fmt: skip
MEMORY = ("memory_static_min", "memory_dynamic_min", "memory_dynamic_max", "memory_static_max", "memory_target")
PORT: dict[str, Any] = {
    "physical": True, "managed": True, "currently_attached": True, "MTU": "1500", "VLAN": "-1",
    "ipv6_configuration_mode": "None", "primary_address_type": "IPv4",
}  # fmt: skip
FEATURES = ("xen_motion", "storage_xen_motion", "vgpu", "vm_groups", "wlb")
MIRRORING = ["VDI_CREATE", "VDI_DELETE", "VDI_ATTACH", "VDI_DETACH", "VDI_SNAPSHOT", "VDI_MIRROR", "VDI_CONFIG_CBT"]
DRIVERS = {"ext": MIRRORING, "nfs": MIRRORING, "lvmoiscsi": MIRRORING, "iso": ["VDI_ATTACH"], "udev": ["VDI_ATTACH"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fabric:
    """Refs of what guests are put on.

    Args:
        hosts: one ref a host, the coordinator first.
        shared: SRs that every host sees.
        local: one SR a host, in the order of `hosts`.
        dvd: one drive SR a host, in the order of `hosts`.
        iso: the shared ISO SR.
        networks: networks for guests, every host on each.
    """

    hosts: tuple[str, ...]
    shared: tuple[str, ...]
    local: tuple[str, ...]
    dvd: tuple[str, ...]
    iso: str
    networks: tuple[str, ...]


def build_fabric(builder: Builder, *, hosts: int, cpus: int, memory_bytes: int, disk_bytes: int) -> Fabric:
    """Build a pool of equal hosts, Xen's and dom0's share in their memory, and shared SRs for so many bytes."""
    refs = tuple(_host(builder, number, cpus, memory_bytes) for number in range(hosts))
    pool = _pool(builder, refs[0], hosts * cpus)
    for kind, features in DRIVERS.items():
        numbered = dict.fromkeys(features, "1")
        builder.add("SM", name_label=kind, type=kind, capabilities=features, features=numbered, version="1.0")
    size = -(-2 * disk_bytes // (3 * 1024 * GIB)) * 1024 * GIB
    shared = tuple(
        _storage(builder, refs, name=name, kind=kind, size=size)
        for name, kind in (("NFS vault 1", "nfs"), ("NFS vault 2", "nfs"), ("iSCSI array", "lvmoiscsi"))
    )
    builder.get("pool", pool)["default_SR"] = shared[0]
    return Fabric(
        hosts=refs,
        shared=shared,
        local=tuple(_storage(builder, (ref,), name="Local storage", kind="ext", size=900 * GIB) for ref in refs),
        dvd=tuple(_storage(builder, (ref,), name="DVD drives", kind="udev", size=0, iso=True) for ref in refs),
        iso=_storage(builder, refs, name="ISO library", kind="iso", size=1024 * GIB, iso=True),
        networks=_networks(builder, refs),
    )


def _pool(builder: Builder, master: str, cpus: int) -> str:
    return builder.add(
        "pool",
        name_label="simulated",
        name_description="A pool made by the simulator",
        master=master,
        restrictions={f"restrict_{feature}": "false" for feature in FEATURES} | {"enable_xha": "true"},
        cpu_info={"cpu_count": str(cpus), **POOL_CPU},
        coordinator_bias=True,
        tls_verification_enabled=True,
    )


def _host(builder: Builder, number: int, cpus: int, memory_bytes: int) -> str:
    metrics = builder.add("host_metrics", live=True, memory_total=str(memory_bytes), last_updated=MADE)
    lap, tree = divmod(number, len(HOST_NAMES))
    name = f"{HOST_NAMES[tree]}-{lap + 1}" if lap else HOST_NAMES[tree]
    host = builder.add(
        "host",
        **HOST,
        name_label=name,
        hostname=name,
        address=f"10.10.{number // 250}.{11 + number % 250}",
        metrics=metrics,
        cpu_info={"cpu_count": str(cpus), **CPU},
    )
    for cpu in range(cpus):
        builder.add("host_cpu", host=host, number=str(cpu), vendor="GenuineIntel", speed="2394", family="6", model="85")
    _control_domain(builder, host, name)
    return host


def _control_domain(builder: Builder, host: str, name: str) -> None:
    memory = str(4 * GIB)
    metrics = builder.add(
        "VM_metrics", memory_actual=memory, VCPUs_number="8", current_domain_type="pv", start_time="20261001T00:00:00Z"
    )
    domain = builder.add(
        "VM",
        **DOM0,
        **dict.fromkeys(MEMORY, memory),
        name_label=f"Control domain on host: {name}",
        resident_on=host,
        affinity=host,
        metrics=metrics,
    )
    builder.get("host", host)["control_domain"] = domain


def _storage(builder: Builder, hosts: tuple[str, ...], *, name: str, kind: str, size: int, iso: bool = False) -> str:
    shared, content = len(hosts) > 1, "iso" if iso else "user"
    ref = builder.add("SR", name_label=name, type=kind, content_type=content, shared=shared, physical_size=str(size))
    export = {"server": "10.10.9.9", "serverpath": f"/export/{name.replace(' ', '-').lower()}"}
    config = export if shared else {"device": "/dev/sda3"}
    for host in hosts:
        builder.add("PBD", host=host, SR=ref, currently_attached=True, device_config=config)
    return ref


def _networks(builder: Builder, hosts: tuple[str, ...]) -> tuple[str, ...]:
    management, guests, servers = (
        builder.add("network", name_label=name, bridge=bridge, MTU="1500", managed=True)
        for name, bridge in (("Management", "xenbr0"), ("Guests", "xenbr1"), ("Servers (VLAN 20)", "xapi1"))
    )
    for number, host in enumerate(hosts):
        _port(builder, host, management, number, card=0)
        trunk, tagged = (_port(builder, host, network, number, card=1) for network in (guests, servers))
        vlan = builder.add("VLAN", tag="20", tagged_PIF=trunk, untagged_PIF=tagged)
        builder.get("PIF", trunk)["VLAN_slave_of"].append(vlan)
        builder.get("PIF", tagged).update(VLAN="20", VLAN_master_of=vlan, physical=False)
    return guests, servers


def _port(builder: Builder, host: str, network: str, number: int, *, card: int) -> str:
    """The first card is for management, and has the host's address."""
    first, speed = card == 0, "25000" if card else "10000"
    return builder.add(
        "PIF",
        **PORT,
        metrics=builder.add(
            "PIF_metrics", carrier=True, duplex=True, speed=speed, device_name="X710", last_updated=MADE
        ),
        host=host,
        network=network,
        device=f"eth{card}",
        management=first,
        MAC=f"00:16:3e:2f:{number % 256:02x}:{card:02x}",
        IP=builder.get("host", host)["address"] if first else "",
        netmask="255.255.0.0" if first else "",
        ip_configuration_mode="Static" if first else "None",
    )
