"""Whether a host has room for a VM's virtual GPUs (xapi_vm_helpers.ml: assert_gpus_available, vgpuops.ml)."""

from __future__ import annotations

from collections import Counter

from rebalancer.simulator.checks.facts import members_of
from rebalancer.simulator.database import Database, Record
from rebalancer.simulator.failure import ApiFailure

NEEDS_IOMMU = {"passthrough", "mxgpu"}


def implementation(database: Database, vgpu: Record) -> str:
    """Return what a vGPU is: passthrough, gvt_g, mxgpu, nvidia or nvidia_sriov."""
    return str(database.get("VGPU_type", vgpu["type"])["implementation"])


def assert_iommu(database: Database, vm: str, host: str) -> None:
    """Raise VM_REQUIRES_IOMMU [host] for a vGPU that is handed through to a host without an IOMMU."""
    vgpus = members_of(database, "VGPU", database.get("VM", vm)["VGPUs"])
    handed_through = any(implementation(database, vgpu) in NEEDS_IOMMU for vgpu in vgpus)
    if handed_through and database.get("host", host)["chipset_info"].get("iommu") != "true":
        raise ApiFailure("VM_REQUIRES_IOMMU", host)


def assert_room(database: Database, vm: str, host: str) -> None:
    """Raise VM_REQUIRES_GPU [vm, group] or VM_REQUIRES_VGPU [vm, group, type] unless all vGPUs fit together."""
    taken: Counter[tuple[str, str]] = Counter()
    for vgpu in members_of(database, "VGPU", database.get("VM", vm)["VGPUs"]):
        cards = [
            (ref, card)
            for ref, card in database.items("PGPU")
            if card["host"] == host and card["GPU_group"] == vgpu["GPU_group"]
        ]
        fitting = [ref for ref, card in cards if _fits(database, ref, card, vgpu, taken)]
        if not fitting:
            if implementation(database, vgpu) == "passthrough":
                raise ApiFailure("VM_REQUIRES_GPU", vm, vgpu["GPU_group"])
            raise ApiFailure("VM_REQUIRES_VGPU", vm, vgpu["GPU_group"], vgpu["type"])
        taken[fitting[0], vgpu["type"]] += 1


def _fits(database: Database, ref: str, card: Record, vgpu: Record, taken: Counter[tuple[str, str]]) -> bool:
    """Whether a card takes one more of a type: it is enabled, no other type is on the card, and a slice is left."""
    if vgpu["type"] not in card["enabled_VGPU_types"]:
        return False
    there = Counter(
        v["type"] for _, v in database.items("VGPU") if ref in (v["resident_on"], v["scheduled_to_be_resident_on"])
    )
    there.update({kind: count for (place, kind), count in taken.items() if place == ref})
    if any(kind != vgpu["type"] for kind in there):
        return False
    return there[vgpu["type"]] < int(card["supported_VGPU_max_capacities"].get(vgpu["type"], "0"))
