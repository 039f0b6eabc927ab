"""How much memory xapi's database says a VM takes.

xapi decides by its records alone, never by what is free on the host right now: `memory_check.ml`,
`xapi-idl/memory/memory.ml`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rebalancer.inventory import VM, DomainType, Host, Pool, Uuid
from rebalancer.rules.core.versions import xapi_version
from rebalancer.rules.facts.domain import configured_domain_type
from rebalancer.units import MIB, demand_mib

VCPU_PAGES = 256
PAGES_PER_MIB = 256
XEN_PAGES_PER_VCPU = 38
MOST_SHADOW_MIB = 1 << 30
"""A PiB: no multiplier makes more of it here, so that sums stay whole numbers; no host has as much."""
COUNTS_XEN_VCPU_PAGES = (26, 3)
"""The first xapi whose overhead counts what Xen itself takes for a vCPU (CA-423172)."""


def resident_bytes(vm: VM) -> int:
    """What *vm* counts on a host where it is, or to which it is on its way (`vm_compute_used_memory`, Dynamic_min)."""
    return vm.memory.dynamic_min_bytes + vm.memory_overhead_bytes


def arrival_overhead(vm: VM, *, xen_vcpu_pages: bool) -> int:
    """What *vm* takes beyond its own memory: shadow pages, Xen's structures, a shim (`Memory_model.overhead_mib`)."""
    kind = configured_domain_type(vm)
    static_mib = demand_mib(vm.memory.static_max_bytes)
    internal_mib = 0 if kind is DomainType.PV else 1
    vcpu_mib = -(-XEN_PAGES_PER_VCPU * vm.vcpus_max // PAGES_PER_MIB) if xen_vcpu_pages else 0
    shim_mib = 23 + static_mib // 90 if kind is DomainType.PV_IN_PVH else 0
    return (internal_mib + 1 + _shadow_mib(vm, kind, static_mib) + vcpu_mib + shim_mib) * MIB


def arrival_bytes(vm: VM, *, xen_vcpu_pages: bool) -> int:
    """What *vm* must find free on a host to come there: whole MiB (`vm_compute_start_memory`)."""
    in_shim = configured_domain_type(vm) is DomainType.PV_IN_PVH
    memory = vm.memory.static_max_bytes if in_shim else vm.memory.dynamic_min_bytes
    return demand_mib(memory) * MIB + arrival_overhead(vm, xen_vcpu_pages=xen_vcpu_pages)


def static_bytes(vm: VM) -> int:
    """What HA's planner counts for *vm* on a host where it is (`vm_compute_used_memory`, Static_max)."""
    return vm.memory.static_max_bytes + vm.memory_overhead_bytes


def start_bytes(vm: VM, *, xen_vcpu_pages: bool) -> int:
    """What HA's planner wants for *vm* on a host where it is to start (`total_memory_of_vm`); dom0 by its target."""
    memory = vm.memory.dynamic_max_bytes if vm.is_control_domain else vm.memory.static_max_bytes
    return demand_mib(memory) * MIB + arrival_overhead(vm, xen_vcpu_pages=xen_vcpu_pages)


def counts_xen_vcpu_pages(pool: Pool) -> bool:
    """Whether this pool's xapi counts what Xen takes for a vCPU; of pools that were joined, whether any does.

    The fix is ported back: where xapi stored such a `VM.memory_overhead` of a running VM, it counts so, whatever its
    version. What it stored without says nothing: a VM keeps what was stored when it started, before an upgrade.
    """
    return any(_counts_xen_vcpu_pages(part) for part in pool.parts)


def _counts_xen_vcpu_pages(pool: Pool) -> bool:
    running = [vm for vm in pool.resident_guests() if vm.memory_overhead_bytes]
    version = xapi_version(pool.hosts[pool.coordinator])
    by_version = version is None or version >= COUNTS_XEN_VCPU_PAGES
    return by_version or any(vm.memory_overhead_bytes == arrival_overhead(vm, xen_vcpu_pages=True) for vm in running)


def memory_is_known(host: Host) -> bool:
    """Whether *host* says how much memory it has."""
    return host.memory_total_bytes is not None


def guest_bytes(host: Host) -> int:
    """Memory of *host* that VMs, dom0 included, may share; 0 where xapi has no metrics of it."""
    return max(0, (host.memory_total_bytes or 0) - host.memory_overhead_bytes)


def held_apart_from(
    pool: Pool, placed: Iterable[Uuid], size_of: Callable[[VM], int] = resident_bytes
) -> dict[Uuid, int]:
    """Bytes that each host holds for VMs other than *placed*: control domains, and what is on its way to it."""
    guests = set(placed)
    found = dict.fromkeys(pool.hosts, 0)
    for vm in pool.vms.values():
        if vm.resident_on in found and vm.uuid not in guests:
            found[vm.resident_on] += size_of(vm)
        if vm.scheduled_to_be_resident_on in found:
            found[vm.scheduled_to_be_resident_on] += size_of(vm)
    return found


def _shadow_mib(vm: VM, kind: DomainType, static_mib: int) -> int:
    """Shadow memory: pages for each vCPU and each MiB, times a multiplier that PV guests do not have."""
    total = -(-(VCPU_PAGES * vm.vcpus_max + static_mib + static_mib) // PAGES_PER_MIB)
    multiplier = 1.0 if kind is DomainType.PV else vm.hvm_shadow_multiplier
    wanted = total * multiplier
    return max(1, int(wanted)) if abs(wanted) < MOST_SHADOW_MIB else MOST_SHADOW_MIB
