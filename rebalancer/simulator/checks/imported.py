"""What a pool has against the records of a VM that another one sends (import.ml), in xapi's order."""

from __future__ import annotations

from collections.abc import Mapping

from rebalancer.simulator.checks import cpu, gpus, memory
from rebalancer.simulator.state.database import Database, Record
from rebalancer.simulator.state.failure import ApiFailure, Unforeseen
from rebalancer.simulator.state.schema import NULL

LIVE = {"Running", "Paused"}


def assert_seeds_free(here: Database, there: Database, family: list[Record]) -> None:
    """Raise DUPLICATE_MAC_SEED [seed] where another VM, template or snapshot there has a seed of the family."""
    known = [(vm["other_config"].get("mac_seed"), _owner(there, vm)) for _, vm in there.items("VM")]
    for vm in family:
        seed, owner = vm["other_config"].get("mac_seed"), _owner(here, vm)
        if any(seed is not None and seed == other and (owner is None or owner != whose) for other, whose in known):
            raise ApiFailure("DUPLICATE_MAC_SEED", str(seed))


def _owner(database: Database, vm: Record) -> str | None:
    """The uuid of the VM itself, or of the one that a snapshot was taken of."""
    if not vm["is_a_snapshot"]:
        return str(vm["uuid"])
    origin = database.find("VM", vm["snapshot_of"])
    if origin is not None:
        return str(origin["uuid"])
    _, found, rest = vm["snapshot_metadata"].partition("('uuid' '")
    return rest.partition("'")[0] if found else None


def assert_replaceable(there: Database, vm: Record) -> None:
    """Raise what stands there under the uuid of a VM, unless that is halted and older: XAPI replaces it.

    Raises:
        ApiFailure: VM_BAD_POWER_STATE [ref, "Halted", state], VM_TO_IMPORT_IS_NOT_NEWER_VERSION [ref, version, ours].
    """
    for ref, known in there.items("VM"):
        if known["uuid"] != vm["uuid"]:
            continue
        if known["power_state"] != "Halted":
            raise ApiFailure("VM_BAD_POWER_STATE", ref, "Halted", known["power_state"])
        if int(known["version"]) >= int(vm["version"]):
            raise ApiFailure("VM_TO_IMPORT_IS_NOT_NEWER_VERSION", ref, known["version"], vm["version"])


def assert_fits(vm: Record, there: Database, host: str) -> None:
    """Raise HOST_NOT_ENOUGH_FREE_MEMORY [needed, available] for a VM that lives; its dynamic minimum counts."""
    if vm["power_state"] not in LIVE:
        return
    needed, available = memory.needed_by_dynamic_min(vm), memory.free_memory(there, host)
    if needed > available:
        raise ApiFailure("HOST_NOT_ENOUGH_FREE_MEMORY", str(needed), str(available))


def assert_cpu_suits(here: Database, ref: str, there: Database, host: str) -> None:
    """Raise what the host's CPU lacks for a VM, or a snapshot with memory, that is not halted.

    Raises:
        ApiFailure: VM_INCOMPATIBLE_WITH_THIS_HOST, IMPORT_ERROR for features that nobody can read, and
            IMPORT_ERROR_FAILED_TO_FIND_OBJECT [ref] without metrics.
    """
    vm = here.get("VM", ref)
    metrics = here.find("VM_metrics", vm["metrics"])
    if vm["power_state"] == "Halted":
        return
    if metrics is None:
        raise ApiFailure("IMPORT_ERROR_FAILED_TO_FIND_OBJECT", vm["metrics"])
    if vm["is_a_snapshot"] and metrics["current_domain_type"] == "unspecified":
        return
    try:
        cpu.assert_compatible(here, ref, host, there)
    except Unforeseen as failure:
        raise ApiFailure("IMPORT_ERROR", ": ".join(failure.description)) from failure


def assert_has_cards(
    here: Database, family: list[Record], there: Database, host: str, groups: Mapping[str, str]
) -> None:
    """Raise VM_REQUIRES_GPU [vm, group there] unless a card of its group takes each vGPU.

    The group is the one that `groups` names, {vGPU: group there}, else the first of the same hardware.

    Raises:
        ApiFailure: that, or IMPORT_ERROR where no group is of that hardware.
    """
    for vm in family:
        for ref in vm["VGPUs"]:
            vgpu = here.get("VGPU", ref)
            hardware = sorted(here.get("GPU_group", vgpu["GPU_group"])["GPU_types"])
            same = [ref for ref, group in there.items("GPU_group") if sorted(group["GPU_types"]) == hardware]
            if not same:
                text = f"Unable to find GPU group with matching GPU_types = '[{','.join(hardware)}]'"
                raise ApiFailure("IMPORT_ERROR", f'Failure("{text}")')
            # XAPI's database gives rows with the greatest ref first.
            group = groups.get(ref, max(same))
            if not gpus.has_card(there, host, group, _type_there(here, there, vgpu)):
                raise ApiFailure("VM_REQUIRES_GPU", NULL, group)


def _type_there(here: Database, there: Database, vgpu: Record) -> str:
    kind = here.get("VGPU_type", vgpu["type"])
    wanted = kind["implementation"], kind["model_name"]
    types = there.items("VGPU_type")
    return next((ref for ref, known in types if (known["implementation"], known["model_name"]) == wanted), NULL)
