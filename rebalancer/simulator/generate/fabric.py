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
    "build_number": "cloud",
    "date": "20260512T00:00:00Z",
    "dbv": "0.0.1",
    "hostname": "localhost",
    "linux": "4.19.0+1",
    "network_backend": "openvswitch",
    "platform_name": "XCP",
    "platform_version": "3.4.0",
    "product_brand": "XCP-ng",
    "product_version": "8.3.0",
    "product_version_text": "8.3",
    "xapi": "26.1",
    "xapi_build": "26.1.4",
    "xen": "4.17.5-13",
}
FEATURES = ("xen_motion", "storage_xen_motion", "vgpu", "vm_groups")
HOST_OPERATIONS = ["vm_migrate", "provision", "vm_resume", "enable", "evacuate", "vm_start"]
MIRRORING = ["VDI_CREATE", "VDI_DELETE", "VDI_ATTACH", "VDI_DETACH", "VDI_SNAPSHOT", "VDI_MIRROR", "VDI_CONFIG_CBT"]
DRIVERS = {"ext": MIRRORING, "nfs": MIRRORING, "lvmoiscsi": MIRRORING, "iso": ["VDI_ATTACH"], "udev": ["VDI_ATTACH"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fabric:
    """Refs of what guests are put on.

    Args:
        pool: the pool.
        hosts: one ref a host, the coordinator first.
        shared: SRs that every host sees.
        local: one SR a host, in the order of `hosts`.
        dvd: one drive SR a host, in the order of `hosts`.
        iso: the shared ISO SR.
        networks: networks for guests, every host on each.
    """

    pool: str
    hosts: tuple[str, ...]
    shared: tuple[str, ...]
    local: tuple[str, ...]
    dvd: tuple[str, ...]
    iso: str
    networks: tuple[str, ...]


def host_name(index: int) -> str:
    """The name of the host with this number: twenty trees, then numbered ones."""
    name, lap = HOST_NAMES[index % len(HOST_NAMES)], index // len(HOST_NAMES)
    return f"{name}-{lap + 1}" if lap else name


def build_fabric(builder: Builder, *, hosts: int, cpus: int, memory_bytes: int, disk_bytes: int) -> Fabric:
    """Build a pool of equal hosts.

    Args:
        builder: where the records go.
        hosts: how many.
        cpus: logical CPUs of each.
        memory_bytes: memory of each, Xen's and dom0's share included.
        disk_bytes: what the shared SRs have to hold together.
    """
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
        pool=pool,
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
        cpu_info={
            "cpu_count": str(cpus),
            "vendor": "GenuineIntel",
            "features_hvm_host": HVM_FEATURES,
            "features_pv_host": PV_FEATURES,
        },
        coordinator_bias=True,
        tls_verification_enabled=True,
    )


def _host(builder: Builder, number: int, cpus: int, memory_bytes: int) -> str:
    metrics = builder.add("host_metrics", live=True, memory_total=str(memory_bytes), last_updated=MADE)
    name = host_name(number)
    host = builder.add(
        "host",
        name_label=name,
        name_description="Default install",
        hostname=name,
        address=f"10.10.{number // 250}.{11 + number % 250}",
        metrics=metrics,
        enabled=True,
        memory_overhead=str(700 * MIB),
        software_version=dict(SOFTWARE),
        cpu_info=_cpu_info(cpus),
        capabilities=["xen-3.0-x86_64", "hvm-3.0-x86_32", "hvm-3.0-x86_32p", "hvm-3.0-x86_64"],
        allowed_operations=list(HOST_OPERATIONS),
        chipset_info={"iommu": "true"},
        virtual_hardware_platform_versions=["0", "1", "2"],
        license_params={"restrict_xen_motion": "false", "restrict_storage_xen_motion": "false"},
        other_config={"agent_start_time": "1790000000.", "boot_time": "1789990000."},
        API_version_major="2",
        API_version_minor="21",
        API_version_vendor="XenSource",
        edition="xcp-ng",
        sched_policy="credit",
        display="enabled",
        numa_affinity_policy="default_policy",
    )
    for cpu in range(cpus):
        builder.add("host_cpu", host=host, number=str(cpu), vendor="GenuineIntel", speed="2394", family="6", model="85")
    _control_domain(builder, host, name)
    return host


def _cpu_info(cpus: int) -> dict[str, str]:
    return {
        "cpu_count": str(cpus),
        "socket_count": "2",
        "threads_per_core": "2",
        "nr_nodes": "2",
        "vendor": "GenuineIntel",
        "speed": "2394.376",
        "family": "6",
        "model": "85",
        "stepping": "7",
        "flags": "fpu de tsc msr pae",
        "modelname": "Intel(R) Xeon(R) Silver 4214R CPU @ 2.40GHz",
        "features_hvm": HVM_FEATURES,
        "features_pv": PV_FEATURES,
        "features_hvm_host": HVM_FEATURES,
        "features_pv_host": PV_FEATURES,
        "maskable": "full",
    }


def _control_domain(builder: Builder, host: str, name: str) -> None:
    memory = str(4 * GIB)
    metrics = builder.add(
        "VM_metrics", memory_actual=memory, VCPUs_number="8", current_domain_type="pv", start_time="20261001T00:00:00Z"
    )
    domain = builder.add(
        "VM",
        name_label=f"Control domain on host: {name}",
        name_description="The domain which manages physical devices and manages other domains",
        is_control_domain=True,
        power_state="Running",
        resident_on=host,
        affinity=host,
        domid="0",
        domain_type="pv",
        metrics=metrics,
        VCPUs_max="8",
        VCPUs_at_startup="8",
        HVM_shadow_multiplier=1.0,
        memory_overhead=str(37 * MIB),
        **dict.fromkeys(
            ["memory_static_min", "memory_dynamic_min", "memory_dynamic_max", "memory_static_max", "memory_target"],
            memory,
        ),
    )
    builder.get("host", host)["control_domain"] = domain


def _storage(builder: Builder, hosts: tuple[str, ...], *, name: str, kind: str, size: int, iso: bool = False) -> str:
    ref = builder.add(
        "SR",
        name_label=name,
        type=kind,
        content_type="iso" if iso else "user",
        shared=len(hosts) > 1,
        physical_size=str(size),
    )
    for host in hosts:
        config: dict[str, Any] = {"server": "10.10.9.9", "serverpath": f"/export/{name.replace(' ', '-').lower()}"}
        local = {"device": "/dev/sda3"}
        builder.add(
            "PBD", host=host, SR=ref, currently_attached=True, device_config=config if len(hosts) > 1 else local
        )
    return ref


def _networks(builder: Builder, hosts: tuple[str, ...]) -> tuple[str, ...]:
    management = builder.add("network", name_label="Management", bridge="xenbr0", MTU="1500", managed=True)
    guests = builder.add("network", name_label="Guests", bridge="xenbr1", MTU="1500", managed=True)
    servers = builder.add("network", name_label="Servers (VLAN 20)", bridge="xapi1", MTU="1500", managed=True)
    for number, host in enumerate(hosts):
        _port(builder, host, management, device="eth0", speed="10000", management=True, number=number)
        trunk = _port(builder, host, guests, device="eth1", speed="25000", management=False, number=number)
        _tag(
            builder, trunk, _port(builder, host, servers, device="eth1", speed="25000", management=False, number=number)
        )
    return guests, servers


def _port(builder: Builder, host: str, network: str, *, device: str, speed: str, management: bool, number: int) -> str:
    metrics = builder.add("PIF_metrics", carrier=True, duplex=True, speed=speed, device_name="X710", last_updated=MADE)
    address = builder.get("host", host)["address"] if management else ""
    return builder.add(
        "PIF",
        host=host,
        network=network,
        device=device,
        metrics=metrics,
        management=management,
        physical=True,
        managed=True,
        currently_attached=True,
        MAC=f"00:16:3e:2f:{number % 256:02x}:{int(device[-1]):02x}",
        MTU="1500",
        VLAN="-1",
        IP=address,
        netmask="255.255.0.0" if management else "",
        ip_configuration_mode="Static" if management else "None",
        ipv6_configuration_mode="None",
        primary_address_type="IPv4",
    )


def _tag(builder: Builder, trunk: str, tagged: str) -> None:
    vlan = builder.add("VLAN", tag="20", tagged_PIF=trunk, untagged_PIF=tagged)
    builder.get("PIF", trunk)["VLAN_slave_of"].append(vlan)
    builder.get("PIF", tagged).update(VLAN="20", VLAN_master_of=vlan, physical=False)
