"""Which VMs stand against emptying a host, and where the others would go (xapi_host.ml: compute_evacuation_plan)."""

from __future__ import annotations

from dataclasses import dataclass

from rebalancer.simulator.checks import boot_here, failover, packing, versions, vm_operations
from rebalancer.simulator.checks.facts import pool_of
from rebalancer.simulator.checks.memory import free_memory
from rebalancer.simulator.state.database import Database, Record
from rebalancer.simulator.state.failure import ApiFailure, Unforeseen, refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class EvacuationPlan:
    """What emptying a host comes to.

    Args:
        blocked: {VM: the code and parameters that hold it}.
        targets: {VM that may go: host}.
    """

    blocked: dict[str, list[str]]
    targets: dict[str, str]


def plan(database: Database, host: str) -> EvacuationPlan:
    """Plan to empty a host, as XAPI does.

    A VM may go only if every enabled host of no older version could take it: one that cannot stands against all VMs.

    Raises:
        ApiFailure: a record that XAPI cannot read, of any VM on the host.
    """
    residents = {ref: database.get("VM", ref) for ref in database.get("host", host)["resident_VMs"]}
    guests = {ref: vm for ref, vm in residents.items() if not vm["is_control_domain"]}
    # XAPI's database gives rows with the greatest ref first; that decides which host's objection is named.
    targets = [
        ref
        for ref, record in sorted(database.items("host"), reverse=True)
        if record["enabled"] and ref != host and not versions.is_older(database, ref, than=host)
    ]
    if not targets:
        return EvacuationPlan(blocked={vm: ["NO_HOSTS_AVAILABLE", vm] for vm in guests}, targets={})
    blocked = _held(database, guests, targets)
    agile = [vm for vm in guests if vm not in blocked]
    allowed = vm_operations.assert_allowed
    blocked |= {vm: said for vm in guests if (said := refusal(allowed, database, vm, "pool_migrate"))}
    free = {ref: free_memory(database, ref) for ref in targets}
    placed = packing.packed(database, free, {vm: _size(guests[vm]) for vm in agile})
    blocked |= {vm: ["HOST_NOT_ENOUGH_FREE_MEMORY", vm] for vm in agile if vm not in placed}
    return EvacuationPlan(blocked=blocked, targets={vm: ref for vm, ref in placed.items() if vm not in blocked})


def _held(database: Database, guests: dict[str, Record], targets: list[str]) -> dict[str, list[str]]:
    """What holds VMs that HA does not protect, or that some target would not take."""
    protects = pool_of(database)["ha_enabled"]
    held = {}
    for vm, record in guests.items():
        if protects and not failover.is_protected(record):
            held[vm] = ["HOST_EVACUATE_VM_NOT_HA_PROTECTED", vm]
            continue
        try:
            for target in targets:
                boot_here.assert_can_evacuate_to(database, vm, target)
        except Unforeseen:
            raise
        except ApiFailure as failure:
            held[vm] = failure.description
    return held


def _size(vm: Record) -> int:
    paravirtual = vm["domain_type"] in {"pvh", "pv_in_pvh"}
    return int(vm["memory_static_max" if paravirtual else "memory_dynamic_min"]) + int(vm["memory_overhead"])
