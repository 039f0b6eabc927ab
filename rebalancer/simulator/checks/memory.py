"""How much memory a host has left and a VM needs, by the records alone (memory_check.ml)."""

from __future__ import annotations

from rebalancer.simulator.checks.facts import configured_domain_type
from rebalancer.simulator.state.database import Database, Record
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.schema import NULL

MIB = 1 << 20


def free_memory(database: Database, host: str, besides: str = NULL) -> int:
    """Bytes left on a host when every VM on it, or coming `besides` this one, takes its minimum; never below 0.

    A VM under way counts on both ends.
    """
    used = 0
    for ref, vm in database.items("VM"):
        taken = int(vm["memory_dynamic_min"]) + int(vm["memory_overhead"])
        used += taken * (vm["resident_on"] == host)
        used += taken * (vm["scheduled_to_be_resident_on"] == host and ref != besides)
    return max(0, usable_memory(database, host) - used)


def usable_memory(database: Database, host: str) -> int:
    """A host's memory without what Xen keeps, bytes."""
    record = database.get("host", host)
    return int(database.get("host_metrics", record["metrics"])["memory_total"]) - int(record["memory_overhead"])


def needed_memory(vm: Record) -> int:
    """Bytes that a VM is asked for on arrival: whole MiB, and its overhead computed anew."""
    kind = configured_domain_type(vm)
    memory = vm["memory_static_max"] if kind == "pv_in_pvh" else vm["memory_dynamic_min"]
    return (-(-int(memory) // MIB) + overhead_mib(vm, kind)) * MIB


def needed_by_dynamic_min(vm: Record) -> int:
    """Bytes that the import into another pool asks for: of a guest in a shim, too, the dynamic minimum."""
    return (-(-int(vm["memory_dynamic_min"]) // MIB) + overhead_mib(vm, configured_domain_type(vm))) * MIB


def overhead_mib(vm: Record, kind: str) -> int:
    """MiB that Xen needs besides a VM's memory (memory.ml: Memory_model.overhead_mib, xapi 26.3)."""
    static, vcpus = -(-int(vm["memory_static_max"]) // MIB), int(vm["VCPUs_max"])
    multiplier = 1.0 if kind == "pv" else float(vm["HVM_shadow_multiplier"])
    shadow = max(1, int(-(-(256 * vcpus + static + static) // 256) * multiplier))
    shim = 23 + static // 90 if kind == "pv_in_pvh" else 0
    return (0 if kind == "pv" else 1) + 1 + shadow + -(-38 * vcpus // 256) + shim


def assert_enough(database: Database, vm: str, host: str) -> None:
    """Raise HOST_NOT_ENOUGH_FREE_MEMORY [needed, available] unless the VM fits; the last byte counts."""
    needed = needed_memory(database.get("VM", vm))
    available = free_memory(database, host, besides=vm)
    if needed > available:
        raise ApiFailure("HOST_NOT_ENOUGH_FREE_MEMORY", str(needed), str(available))
