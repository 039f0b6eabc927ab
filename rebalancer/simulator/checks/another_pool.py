"""What VM.assert_can_migrate checks for a target in another pool, in xapi's order (xapi_vm_migrate.ml)."""

from __future__ import annotations

from rebalancer.simulator.checks import boot_here, gpus, imported, storage_motion, versions
from rebalancer.simulator.checks.facts import is_live, is_upgrading, pool_of
from rebalancer.simulator.checks.storage_motion import MigrateSend
from rebalancer.simulator.state.database import Database
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.schema import NULL
from rebalancer.simulator.state.vm_import import family_of

# From this version on a VM may take its VTPM to another pool.
VTPM_MOVES = [23, 13]


def assert_can_cross(here: Database, there: Database, call: MigrateSend) -> None:
    """Raise what VM.assert_can_migrate raises; host, SRs and networks of the call are refs of the other pool.

    It does not look whether the host is live or being emptied, sees networks and SRs, or has room on these.
    """
    guest, host = here.get("VM", call.vm), there.get("host", call.host)
    source = here.get("host", guest["resident_on"] if guest["resident_on"] != NULL else pool_of(here)["master"])
    forced = call.options.get("force") == "true"
    storage_motion.assert_licensed(here)
    storage_motion.assert_mapped(here, guest, call.vdi_map)
    if guest.get("VTPMs") and versions.coordinator_build(here) < VTPM_MOVES:
        raise ApiFailure("OPERATION_NOT_ALLOWED", "VM has a VTPM and cannot be migrated to another pool")
    if versions.is_behind(host, source):
        raise ApiFailure("VM_HOST_INCOMPATIBLE_VERSION_MIGRATE", call.vm, call.host)
    storage_motion.assert_drivers(here, call.vdi_map, there)
    if call.options.get("copy") == "true" and not forced and guest["power_state"] != "Halted":
        raise ApiFailure("VM_BAD_POWER_STATE", call.vm, "halted", guest["power_state"].lower())
    boot_here.assert_could_take(here, call.vm, there, call.host)
    networks_of(here, call)
    _assert_exported(here, call.vm)
    _assert_imported(here, there, call, forced=forced)
    storage_motion.assert_may_leave(here, call.vdi_map)
    if guest["resident_on"] != NULL and not is_live(here, source):
        raise ApiFailure("HOST_OFFLINE", guest["resident_on"])
    gpus.assert_first_cards_answer(here, call.vm, there, call.host, call.vgpu_map)


def networks_of(here: Database, call: MigrateSend) -> dict[str, str]:
    """{VIF: network there} of a VM and its snapshots; a snapshot's VIF follows the VM's with its MAC.

    Raises:
        ApiFailure: VIF_NOT_IN_MAP [vif].
    """
    family, whole = storage_motion.family(here, call.vm), dict(call.vif_map)
    by_mac = {vif["MAC"]: network for ref, network in whole.items() if (vif := here.find("VIF", ref)) is not None}
    for record in family:
        for ref in record["VIFs"]:
            network = whole.get(ref) or by_mac.get(here.get("VIF", ref)["MAC"])
            if network is None:
                raise ApiFailure("VIF_NOT_IN_MAP", ref)
            whole[ref] = network
    return whole


def _assert_exported(here: Database, vm: str) -> None:
    """Raise INTERNAL_ERROR where the pool is being upgraded: VM.metadata_export is not allowed then."""
    if is_upgrading(here):
        request = f"{{ method = GET; path = /export_metadata?export_snapshots=true&ref={vm} }}"
        raise ApiFailure("INTERNAL_ERROR", f'Http_client.Http_error("500", "{request}")')


def _assert_imported(here: Database, there: Database, call: MigrateSend, *, forced: bool) -> None:
    refs = family_of(here, call.vm)
    family = [here.get("VM", ref) for ref in refs]
    imported.assert_seeds_free(here, there, family)
    for ref, record in zip(refs, family, strict=True):
        imported.assert_replaceable(there, record)
        imported.assert_fits(record, there, call.host)
        if not forced:
            imported.assert_cpu_suits(here, ref, there, call.host)
    imported.assert_has_cards(here, family, there, call.host, call.vgpu_map)
