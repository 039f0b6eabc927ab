"""Small VMs for tests; `tests.pools` has them too, with the pools to put them in."""

# ruff: noqa: ANN401 - a builder takes any field of the value that it makes

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rebalancer.inventory import VBD, VIF, VM, DomainType, GuestMetrics, MemoryRange, PowerState, VBDType, VMMetrics
from rebalancer.units import GIB, MIB

LAN = "lan"
FEATURES = "1fcbfbff-f7fa3223"
"""CPU features of every host, and of every VM when it booted."""


def make_memory(size_gib: float = 2.0, **changes: int) -> MemoryRange:
    """A fixed size; *changes* in bytes by field."""
    size = int(size_gib * GIB)
    values = dict.fromkeys(("static_min_bytes", "dynamic_min_bytes", "dynamic_max_bytes", "static_max_bytes"), size)
    return MemoryRange(**values | changes)


def make_disk(vm: str, number: int = 0, **changes: Any) -> VBD:
    """A drive of *vm* with the disk that `make_pool` puts on the shared SR."""
    values: dict[str, Any] = {
        "uuid": f"{vm}-xvd{number}",
        "type": VBDType.DISK,
        "device": f"xvd{'abcdefgh'[number]}",
        "empty": False,
        "currently_attached": True,
        "vdi": f"{vm}-disk{number}",
    }
    return VBD(**values | changes)


def make_cd(vm: str, vdi: str | None, **changes: Any) -> VBD:
    """A CD drive of *vm* with the image *vdi* in it, or empty."""
    return make_disk(vm, 3, **{"type": VBDType.CD, "vdi": vdi, "empty": vdi is None} | changes)


def make_vif(vm: str, network: str = LAN, **changes: Any) -> VIF:
    """An interface of *vm* on *network*."""
    values: dict[str, Any] = {
        "uuid": f"{vm}-{network}",
        "device": "0",
        "mac": "02:00:00:00:00:01",
        "network": network,
        "currently_attached": True,
    }
    return VIF(**values | changes)


def make_metrics(**changes: Any) -> VMMetrics:
    """A running HVM domain of 2 GiB that may migrate."""
    values: dict[str, Any] = {
        "memory_actual_bytes": 2 * GIB,
        "vcpus_number": 2,
        "nomigrate": False,
        "nested_virt": False,
        "current_domain_type": DomainType.HVM,
        "start_time": "20261101T00:00:00Z",
    }
    return VMMetrics(**values | changes)


def make_tools(**changes: Any) -> GuestMetrics:
    """Guest tools 9.3 that were detected."""
    values: dict[str, Any] = {
        "pv_drivers_version": {"major": "9", "minor": "3"},
        "pv_drivers_detected": True,
        "other": {"feature-suspend": "1"},
        "os_version": {"distro": "debian", "major": "12"},
        "networks": {},
    }
    return GuestMetrics(**values | changes)


def make_vm(
    name: str, *, on: str | None = "h1", gib: float = 2.0, networks: Iterable[str] = (LAN,), **changes: Any
) -> VM:
    """A guest with 2 vCPUs, *gib* of memory, one disk and guest tools: running on *on*, halted with None."""
    running = on is not None
    values: dict[str, Any] = {
        "uuid": name,
        "name": name,
        "power_state": PowerState.RUNNING if running else PowerState.HALTED,
        "is_a_template": False,
        "is_default_template": False,
        "is_a_snapshot": False,
        "is_control_domain": False,
        "resident_on": on,
        "scheduled_to_be_resident_on": None,
        "affinity": None,
        "memory": make_memory(gib),
        "memory_overhead_bytes": 21 * MIB,
        "vcpus_max": 2,
        "vcpus_at_startup": 2,
        "vcpus_params": {},
        "hvm_shadow_multiplier": 1.0,
        "hvm_boot_policy": "BIOS order",
        "domain_type": DomainType.HVM,
        "platform": {},
        "other_config": {},
        "tags": (),
        "blocked_operations": {},
        "current_operations": (),
        "hardware_platform_version": 0,
        "last_boot_cpu_flags": {"vendor": "GenuineIntel", "features": FEATURES} if running else {},
        "ha_always_run": False,
        "ha_restart_priority": "",
        "actions_after_crash": "restart",
        "groups": (),
        "vbds": (make_disk(name),),
        "vifs": tuple(make_vif(name, network) for network in networks),
        "vgpus": (),
        "vusbs": (),
        "vtpms": (),
        "attached_pcis": (),
        "snapshots": (),
        "suspend_vdi": None,
        "metrics": make_metrics(memory_actual_bytes=int(gib * GIB)) if running else None,
        "guest_metrics": make_tools() if running else None,
    }
    return VM(**values | changes)


def make_dom0(host: str, *, gib: float = 4.0) -> VM:
    """The control domain of *host*."""
    return make_vm(
        f"dom0-{host}",
        on=host,
        gib=gib,
        networks=(),
        is_control_domain=True,
        vbds=(),
        memory_overhead_bytes=0,
        domain_type=DomainType.PV,
        metrics=make_metrics(memory_actual_bytes=int(gib * GIB), current_domain_type=DomainType.PV),
    )
