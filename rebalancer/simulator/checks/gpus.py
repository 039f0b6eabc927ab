"""Whether a host has room for a VM's virtual GPUs (xapi_vm_helpers.ml: assert_gpus_available, vgpuops.ml)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from rebalancer.simulator.checks.facts import configured_domain_type, is_restricted, members_of
from rebalancer.simulator.state.database import Database, Record
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.schema import NULL

NEEDS_IOMMU = {"passthrough", "mxgpu", "nvidia_sriov"}
NVIDIA = {"nvidia", "nvidia_sriov"}
WHOLE_CARDS = {"passthrough"}


def implementation(database: Database, vgpu: Record) -> str:
    """What a vGPU is: passthrough, gvt_g, mxgpu, nvidia or nvidia_sriov."""
    return str(database.get("VGPU_type", vgpu["type"])["implementation"])


def assert_iommu(database: Database, vm: str, host: str) -> None:
    """Raise VM_REQUIRES_IOMMU [host] for a vGPU that is handed through to a host without an IOMMU.

    A host that does not say whether it has one is INTERNAL_ERROR.
    """
    vgpus = members_of(database, "VGPU", database.get("VM", vm)["VGPUs"])
    if not any(implementation(database, vgpu) in NEEDS_IOMMU for vgpu in vgpus):
        return
    chipset = database.get("host", host)["chipset_info"]
    if "iommu" not in chipset:
        raise ApiFailure("INTERNAL_ERROR", "Not_found")
    if chipset["iommu"] != "true":
        raise ApiFailure("VM_REQUIRES_IOMMU", host)


def assert_room(database: Database, vm: str, host: str) -> None:
    """Raise VM_REQUIRES_GPU [vm, group] or VM_REQUIRES_VGPU [vm, group, type] unless all vGPUs fit together.

    A VM whose vGPUs all have a card waiting for them is not asked again.
    """
    vgpus = members_of(database, "VGPU", database.get("VM", vm)["VGPUs"])
    if all(database.find("PGPU", vgpu["scheduled_to_be_resident_on"]) for vgpu in vgpus):
        return
    for vgpu, card in _cards(database, vgpus, host):
        if card is None and implementation(database, vgpu) in WHOLE_CARDS:
            raise ApiFailure("VM_REQUIRES_GPU", vm, vgpu["GPU_group"])
        if card is None:
            raise ApiFailure("VM_REQUIRES_VGPU", vm, vgpu["GPU_group"], vgpu["type"])


def assert_driver_answers(database: Database, vm: str, host: str) -> None:
    """Raise NVIDIA_TOOLS_ERROR [host] for a card that is to take an NVIDIA vGPU and has no metadata of its driver."""
    vgpus = members_of(database, "VGPU", database.get("VM", vm)["VGPUs"])
    for vgpu, card in _cards(database, vgpus, host):
        asked = database.find("PGPU", card or NULL) if implementation(database, vgpu) in NVIDIA else None
        if asked and "nvidia" not in asked["compatibility_metadata"]:
            raise ApiFailure("NVIDIA_TOOLS_ERROR", host)


def assert_first_cards_answer(
    here: Database, vm: str, there: Database, host: str, groups: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Raise what a move with disks says of the cards that NVIDIA vGPUs of a VM that is not halted find on a host.

    XAPI takes the first card of the group that `groups` names, {vGPU: group there}; else the first card of the host, in
    the order of host.PGPUs, whose group is made of the same hardware, whatever it holds.

    Raises:
        ApiFailure: VM_REQUIRES_GPU [vm, group] for no such card, NVIDIA_TOOLS_ERROR [host] for one without metadata.
    """
    guest = here.get("VM", vm)
    if guest["power_state"] == "Halted":
        return
    for ref in guest["VGPUs"]:
        vgpu = here.get("VGPU", ref)
        if implementation(here, vgpu) not in NVIDIA:
            continue
        if ref in groups:
            cards, group = there.get("GPU_group", groups[ref])["PGPUs"], groups[ref]
        else:
            group, hardware = vgpu["GPU_group"], _hardware(here, vgpu)
            cards = [
                card
                for card in there.get("host", host)["PGPUs"]
                if _hardware(there, there.get("PGPU", card)) == hardware
            ]
        if not cards:
            raise ApiFailure("VM_REQUIRES_GPU", vm, group)
        if "nvidia" not in there.get("PGPU", cards[0])["compatibility_metadata"]:
            raise ApiFailure("NVIDIA_TOOLS_ERROR", host)


def _hardware(database: Database, piece: Record) -> set[str]:
    return set(database.get("GPU_group", piece["GPU_group"])["GPU_types"])


def _cards(database: Database, vgpus: list[Record], host: str) -> Iterator[tuple[Record, str | None]]:
    """Iterate over the vGPUs with the card of a host that takes each after those before it, or None."""
    taken: Counter[tuple[str, str]] = Counter()
    for vgpu in vgpus:
        place, cards = (host, vgpu["GPU_group"]), database.items("PGPU")
        there = ((ref, card) for ref, card in cards if (card["host"], card["GPU_group"]) == place)
        found = next((ref for ref, card in there if _fits(database, ref, card, vgpu, taken)), None)
        yield vgpu, found
        taken.update([(found, vgpu["type"])] if found else [])


def has_card(database: Database, host: str, group: str, kind: str) -> bool:
    """Whether a card of a group on a host takes one vGPU of a type."""
    cards = database.items("PGPU")
    return any(
        (card["host"], card["GPU_group"]) == (host, group) and _fits(database, ref, card, {"type": kind}, Counter())
        for ref, card in cards
    )


def assert_supported(database: Database, vm: str) -> None:
    """Raise FEATURE_REQUIRES_HVM or LICENCE_RESTRICTION [VGPU] for vGPUs that a move would have to set up anew."""
    guest = database.get("VM", vm)
    vgpus = members_of(database, "VGPU", guest["VGPUs"])
    if vgpus and configured_domain_type(guest) != "hvm":
        raise ApiFailure("FEATURE_REQUIRES_HVM", "vGPU- and GPU-passthrough needs HVM")
    parts = [vgpu for vgpu in vgpus if implementation(database, vgpu) not in WHOLE_CARDS]
    if parts and is_restricted(database, "vgpu"):
        raise ApiFailure("LICENCE_RESTRICTION", "VGPU")


def _fits(database: Database, ref: str, card: Record, vgpu: Record, taken: Counter[tuple[str, str]]) -> bool:
    """Whether a card takes one more of a type: it is enabled, no other type is on the card, and a slice is left."""
    if vgpu["type"] not in card["enabled_VGPU_types"]:
        return False
    vgpus = [vgpu for _, vgpu in database.items("VGPU")]
    there = Counter(v["type"] for v in vgpus if ref in (v["resident_on"], v["scheduled_to_be_resident_on"]))
    there.update({kind: count for (place, kind), count in taken.items() if place == ref})
    if any(kind != vgpu["type"] for kind in there):
        return False
    return there[vgpu["type"]] < int(card["supported_VGPU_max_capacities"].get(vgpu["type"], "0"))
