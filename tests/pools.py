"""Small pools for tests: everything has a sensible default, so that a test names only what it is about.

`make_pool()` has two hosts of 64 GiB with a dom0 of 4 GiB each, a shared SR, a network on both, and no guests. A name
is also the uuid of the object that carries it: `pool.hosts["h1"]`, `make_vm("web", on="h1")`.
"""

# ruff: noqa: ANN401 - a builder takes any field of the value that it makes

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from rebalancer.demand import LoadProfile
from rebalancer.inventory import PBD, PIF, SR, VDI, VM, HighAvailability, Host, Network, Pool, StorageDriver
from rebalancer.policy import Policy
from rebalancer.problem import Problem, make_problem
from rebalancer.units import GIB, MIB
from tests.guests import (
    FEATURES,
    LAN,
    make_cd,
    make_disk,
    make_dom0,
    make_memory,
    make_metrics,
    make_tools,
    make_vif,
    make_vm,
)

__all__ = [
    "CPU_INFO",
    "FEATURES",
    "LAN",
    "SHARED_SR",
    "SOFTWARE",
    "make_cd",
    "make_disk",
    "make_dom0",
    "make_driver",
    "make_host",
    "make_memory",
    "make_metrics",
    "make_network",
    "make_pbd",
    "make_pif",
    "make_pool",
    "make_sr",
    "make_tools",
    "make_vdi",
    "make_vif",
    "make_vm",
    "policy_of",
    "problem_of",
]

SHARED_SR = "shared"

CPU_INFO = {
    "cpu_count": "16",
    "vendor": "GenuineIntel",
    "features_hvm": FEATURES,
    "features_pv": FEATURES,
    "features_hvm_host": FEATURES,
    "features_pv_host": FEATURES,
}
SOFTWARE = {"platform_version": "3.4.0", "xapi_build": "26.1.4", "xen": "4.17.5-13", "product_version": "8.3.0"}


def make_sr(name: str = SHARED_SR, **changes: Any) -> SR:
    """A shared SR of 4 TiB on NFS, a quarter full."""
    values: dict[str, Any] = {
        "uuid": name,
        "name": name,
        "type": "nfs",
        "content_type": "user",
        "shared": True,
        "physical_size_bytes": 4096 * GIB,
        "physical_utilisation_bytes": 1024 * GIB,
        "other_config": {},
        "tags": (),
    }
    return SR(**values | changes)


def make_network(name: str = LAN, **changes: Any) -> Network:
    """A network; `make_pool` enters the PIFs of its hosts."""
    values: dict[str, Any] = {
        "uuid": name,
        "name": name,
        "bridge": f"xenbr-{name}",
        "managed": True,
        "pifs": (),
        "other_config": {},
    }
    return Network(**values | changes)


def make_pif(host: str, network: str = LAN, **changes: Any) -> PIF:
    """A plugged interface of *host* on *network*, at 10 Gbit/s, without an address."""
    values: dict[str, Any] = {
        "uuid": f"{host}-{network}",
        "network": network,
        "device": "eth0",
        "vlan": -1,
        "management": False,
        "currently_attached": True,
        "bond_slave_of": None,
        "ip": "",
        "speed_mbits": 10_000,
    }
    return PIF(**values | changes)


def make_pbd(host: str, sr: str = SHARED_SR, *, attached: bool = True) -> PBD:
    """The connection of *host* to *sr*."""
    return PBD(uuid=f"{host}-{sr}", sr=sr, currently_attached=attached)


def make_host(
    name: str, *, srs: Iterable[str] = (SHARED_SR,), networks: Iterable[str] = (LAN,), **changes: Any
) -> Host:
    """An enabled, live host with 64 GiB and 16 pCPUs that sees *srs* and *networks*."""
    values: dict[str, Any] = {
        "uuid": name,
        "name": name,
        "hostname": name,
        "address": "192.0.2.1",
        "enabled": True,
        "live": True,
        "memory_total_bytes": 64 * GIB,
        "memory_overhead_bytes": 700 * MIB,
        "cpu_info": CPU_INFO,
        "software_version": SOFTWARE,
        "capabilities": ("hvm-3.0-x86_64", "xen-3.0-x86_64"),
        "chipset_info": {"iommu": "true"},
        "license_params": {"restrict_xen_motion": "false", "restrict_storage_xen_motion": "false"},
        "virtual_hardware_platform_versions": (0, 1, 2),
        "current_operations": (),
        "other_config": {"agent_start_time": "1767225600."},
        "tags": (),
        "pbds": tuple(make_pbd(name, sr) for sr in srs),
        "pifs": tuple(make_pif(name, network) for network in networks),
        "pgpus": (),
    }
    return Host(**values | changes)


def make_vdi(name: str, sr: str = SHARED_SR, **changes: Any) -> VDI:
    """A disk of 20 GiB on *sr*."""
    values: dict[str, Any] = {
        "uuid": name,
        "name": name,
        "sr": sr,
        "virtual_size_bytes": 20 * GIB,
        "physical_utilisation_bytes": 10 * GIB,
        "type": "user",
        "read_only": False,
        "sharable": False,
        "on_boot": "persist",
        "is_a_snapshot": False,
        "snapshot_of": None,
        "cbt_enabled": False,
        "sm_config": {},
        "current_operations": (),
    }
    return VDI(**values | changes)


def make_pool(
    *,
    hosts: Iterable[Host] | None = None,
    vms: Iterable[VM] = (),
    srs: Iterable[SR] = (),
    vdis: Iterable[VDI] = (),
    networks: Iterable[Network] = (),
    **changes: Any,
) -> Pool:
    """A pool of *hosts* (h1 and h2 by default), a dom0 on each, and *vms*.

    The shared SR, the network and every disk that a VM names exist without being named; *srs*, *vdis* and *networks*
    add others or replace these. *changes* are fields of `Pool`.
    """
    machines = tuple(hosts) if hosts is not None else (make_host("h1"), make_host("h2"))
    guests = (*(make_dom0(host.uuid) for host in machines), *vms)
    disks = {drive.vdi: make_vdi(drive.vdi) for vm in guests for drive in vm.vbds if drive.vdi}
    values: dict[str, Any] = {
        "uuid": "pool",
        "name": "test pool",
        "coordinator": machines[0].uuid,
        "default_sr": SHARED_SR,
        "ha": HighAvailability(enabled=False, host_failures_to_tolerate=0, plan_exists_for=0, allow_overcommit=False),
        "wlb_enabled": False,
        "migration_compression": False,
        "other_config": {},
        "restrictions": {"restrict_xen_motion": "false"},
        "cpu_info": CPU_INFO,
        "tags": (),
        "hosts": _table(machines),
        "vms": _table(guests),
        "vdis": disks | _table(vdis),
        "srs": _table((make_sr(), *srs)),
        "networks": _networks((make_network(), *networks), machines),
        "storage_drivers": {"nfs": make_driver("nfs")},
        "vm_groups": {},
        "vgpu_types": {},
    }
    return Pool(**values | changes)


def make_driver(type_: str, **changes: Any) -> StorageDriver:
    """An SR driver that can mirror disks in and out."""
    values: dict[str, Any] = {
        "uuid": f"sm-{type_}",
        "type": type_,
        "features": ("VDI_MIRROR", "VDI_MIRROR_IN", "VDI_SNAPSHOT"),
        "supported_image_formats": ("vhd",),
    }
    return StorageDriver(**values | changes)


def problem_of(
    pool: Pool | None = None, *, policy: Policy | None = None, demand: LoadProfile | None = None, **parts: Any
) -> Problem:
    """The problem of *pool*, or of `make_pool(**parts)`, under *policy*, by default `policy_of()`."""
    return make_problem(make_pool(**parts) if pool is None else pool, demand, policy or policy_of())


PLAIN = {"threshold": 0.75, "pcpu_hours_per_gib": 0.001, "pcpu_hours_per_move": 0.0}
"""Prices by which almost every move pays, so that tests tell by hand which one a plan makes."""


def policy_of(**sections: Any) -> Policy:
    """Percentiles, `PLAIN` prices and no cool-down with *sections* as in the file: `policy_of(mode="repair")`.

    One that names a preset has all its values.
    """
    if "preset" in sections:
        return Policy.model_validate(sections)
    form = {} if {"half_life_days", "same_weekday"} & {*sections.get("demand", {})} else {"form": "percentile"}
    plain: dict[str, dict[str, Any]] = {"demand": form, "objective": PLAIN, "limits": {"cool_down_hours": 0.0}}
    given = {name: {**plain[name], **each} for name in plain if isinstance(each := sections.get(name, {}), dict)}
    return Policy.model_validate({**sections, **given})


def _networks(networks: Iterable[Network], hosts: Iterable[Host]) -> Mapping[str, Network]:
    """The networks with the PIFs that hosts have on them."""
    found = {network.uuid: network for network in networks}
    pifs: dict[str, list[str]] = {uuid: [] for uuid in found}
    for host in hosts:
        for pif in host.pifs:
            pifs.setdefault(pif.network, []).append(pif.uuid)
    return _table(replace(each, pifs=tuple(sorted(pifs[each.uuid])) or each.pifs) for each in found.values())


def _table(objects: Iterable[Any]) -> dict[str, Any]:
    """A table sorted by uuid; of two with one uuid the later one counts."""
    found = {each.uuid: each for each in objects}
    return {uuid: found[uuid] for uuid in sorted(found)}
