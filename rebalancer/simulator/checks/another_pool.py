"""What VM.assert_can_migrate checks for a target in another pool, in xapi's order (xapi_vm_migrate.ml)."""

from __future__ import annotations

from collections.abc import Mapping

from rebalancer.simulator.checks import boot_here, storage_motion, versions
from rebalancer.simulator.checks.facts import is_live, members_of
from rebalancer.simulator.checks.storage_motion import MigrateSend
from rebalancer.simulator.state import vm_import
from rebalancer.simulator.state.database import Database
from rebalancer.simulator.state.failure import ApiFailure

# What the checks of an import read of the other pool, besides what belongs to VMs.
CHECKED = ("VM", "host", "host_metrics", "network", "pool", "VDI")
# From this version on a VM may take its VTPM to another pool.
VTPM_MOVES = [23, 13]


def assert_can_cross(here: Database, there: Database, call: MigrateSend) -> None:
    """Raise what VM.assert_can_migrate raises; host, SRs and networks of the call are refs of the other pool."""
    guest, host = here.get("VM", call.vm), there.get("host", call.host)
    source = here.find("host", guest["resident_on"])
    storage_motion.assert_licensed(here)
    storage_motion.assert_mapped(here, guest, call.vdi_map)
    _assert_tpm_moves(here, call.vm)
    if source is not None and versions.is_behind(host, source):
        raise ApiFailure("VM_HOST_INCOMPATIBLE_VERSION_MIGRATE", call.vm, call.host)
    storage_motion.assert_drivers(here, call.vdi_map, there)
    trial = _trial(here, there, call)
    boot_here.assert_could_take(trial, _copy_of(trial, guest["uuid"]), call.host)
    networks_of(here, call)
    forced = call.options.get("force") == "true"
    boot_here.assert_can_be_imported(trial, _copy_of(trial, guest["uuid"]), call.host, forced=forced)
    storage_motion.assert_may_leave(here, call.vdi_map)
    if source is not None and not is_live(here, source):
        raise ApiFailure("HOST_OFFLINE", guest["resident_on"])


def networks_of(here: Database, call: MigrateSend) -> dict[str, str]:
    """{VIF: network there} of a VM and its snapshots; a snapshot's VIF follows the VM's with its MAC.

    Raises:
        ApiFailure: VIF_NOT_IN_MAP [vif].
    """
    guest = here.get("VM", call.vm)
    whole = dict(call.vif_map)
    by_mac = {here.get("VIF", ref)["MAC"]: whole[ref] for ref in guest["VIFs"] if ref in whole}
    for record in (guest, *members_of(here, "VM", guest["snapshots"])):
        for ref in record["VIFs"]:
            network = whole.get(ref) or by_mac.get(here.get("VIF", ref)["MAC"])
            if network is None:
                raise ApiFailure("VIF_NOT_IN_MAP", ref)
            whole[ref] = network
    return whole


def _trial(here: Database, there: Database, call: MigrateSend) -> Database:
    """The other pool as it would be with the VM in it: its import, tried."""
    trial = Database({cls: there.all(cls) for cls in (*CHECKED, *vm_import.BELONGINGS)})
    vm_import.import_vm(here, trial, call.vm, disks={}, networks=_known(call.vif_map, there))
    return trial


def _known(vif_map: Mapping[str, str], there: Database) -> dict[str, str]:
    """The map, if the other pool has all its networks.

    Raises:
        ApiFailure: HANDLE_INVALID [network, ref].
    """
    for network in vif_map.values():
        there.get("network", network)
    return dict(vif_map)


def _copy_of(trial: Database, uuid: str) -> str:
    """The VM in the trial; one that is there already cannot come.

    Raises:
        ApiFailure: DUPLICATE_VM [ref of the one that is there].
    """
    found = [ref for ref, vm in trial.items("VM") if vm["uuid"] == uuid]
    if len(found) > 1:
        raise ApiFailure("DUPLICATE_VM", found[0])
    return found[0]


def _assert_tpm_moves(here: Database, vm: str) -> None:
    coordinator = here.get("host", next(pool["master"] for _, pool in here.items("pool")))
    known = versions.version(coordinator["software_version"].get("xapi_build"))
    if here.get("VM", vm).get("VTPMs") and known < VTPM_MOVES:
        raise ApiFailure("OPERATION_NOT_ALLOWED", "VM has a VTPM and cannot be migrated to another pool")
