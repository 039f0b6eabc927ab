"""What VM.assert_can_migrate checks for a target in another pool, in xapi's order (xapi_vm_migrate.ml)."""

from __future__ import annotations

from rebalancer.simulator.checks import boot_here, storage_motion, versions
from rebalancer.simulator.checks.facts import is_live
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
    if guest.get("VTPMs") and versions.coordinator_build(here) < VTPM_MOVES:
        raise ApiFailure("OPERATION_NOT_ALLOWED", "VM has a VTPM and cannot be migrated to another pool")
    if source is not None and versions.is_behind(host, source):
        raise ApiFailure("VM_HOST_INCOMPATIBLE_VERSION_MIGRATE", call.vm, call.host)
    storage_motion.assert_drivers(here, call.vdi_map, there)
    trial, ref = _tried(here, there, call)
    if known := [ref for ref, vm in there.items("VM") if vm["uuid"] == guest["uuid"]]:
        raise ApiFailure("DUPLICATE_VM", known[0])
    boot_here.assert_could_take(trial, ref, call.host)
    networks_of(here, call)
    boot_here.assert_can_be_imported(trial, ref, call.host, forced=call.options.get("force") == "true")
    storage_motion.assert_may_leave(here, call.vdi_map)
    if source is not None and not is_live(here, source):
        raise ApiFailure("HOST_OFFLINE", guest["resident_on"])


def networks_of(here: Database, call: MigrateSend) -> dict[str, str]:
    """{VIF: network there} of a VM and its snapshots; a snapshot's VIF follows the VM's with its MAC.

    Raises:
        ApiFailure: VIF_NOT_IN_MAP [vif].
    """
    family, whole = storage_motion.family(here, call.vm), dict(call.vif_map)
    by_mac = {here.get("VIF", ref)["MAC"]: whole[ref] for ref in family[0]["VIFs"] if ref in whole}
    for record in family:
        for ref in record["VIFs"]:
            network = whole.get(ref) or by_mac.get(here.get("VIF", ref)["MAC"])
            if network is None:
                raise ApiFailure("VIF_NOT_IN_MAP", ref)
            whole[ref] = network
    return whole


def _tried(here: Database, there: Database, call: MigrateSend) -> tuple[Database, str]:
    """The other pool as it would be with the VM in it, and the VM's ref there."""
    trial = Database({cls: there.all(cls) for cls in (*CHECKED, *vm_import.BELONGINGS)})
    for network in call.vif_map.values():
        there.get("network", network)
    return trial, vm_import.import_vm(here, trial, call.vm, disks={}, networks=call.vif_map)
