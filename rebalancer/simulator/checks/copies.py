"""What the storage manager refuses of disks that are to be copied, once a move has begun (sm; storage_migrate.ml)."""

from __future__ import annotations

from rebalancer.simulator.checks import boot_here
from rebalancer.simulator.checks.facts import discs_of, pool_of
from rebalancer.simulator.checks.storage_motion import MigrateSend, disks_of
from rebalancer.simulator.state.database import Database, Record
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.schema import NULL

# What images of a format hold.
HOLDS = {"vhd": 2040 << 30, "qcow2": 16381 << 30, "raw": 1 << 63}
# Images in a chain, beyond which no snapshot is taken.
LONGEST_CHAIN = 30
# SRs that give a disk all of its size at once; the others take what the disk fills.
THICK = ("lvm",)


def assert_copyable(here: Database, there: Database, call: MigrateSend, vdi: str) -> None:
    """Raise what stands against one copy: on the SR that the disk leaves, then on the one that it comes to."""
    record = here.get("VDI", vdi)
    source = here.get("VM", call.vm)["resident_on"]
    if record.get("missing"):
        raise ApiFailure("VDI_MISSING", record["SR"], vdi)
    if source != NULL:
        assert_attached(here, record["SR"], source)
    for task, operation in record["current_operations"].items():
        raise ApiFailure("OTHER_OPERATION_IN_PROGRESS", "VDI", vdi, operation, task)
    if vdi in {ref for ref, _ in disks_of(here, here.get("VM", call.vm))}:
        _assert_snapshot(here, record)
    _assert_format(there, call.vdi_map[vdi], record)


def assert_attached(database: Database, storage: str, host: str) -> None:
    """Raise INTERNAL_ERROR, as XAPI's storage layer does, unless an SR is attached on a host."""
    if storage not in boot_here.visible_storage(database, host):
        text = f"Storage_error ([S(Sr_not_attached);S({database.get('SR', storage)['uuid']})])"
        raise ApiFailure("INTERNAL_ERROR", text)


def is_attached(database: Database, vm: str, host: str) -> bool:
    """Whether a host sees all SRs that discs of a VM are on."""
    seen = boot_here.visible_storage(database, host)
    return all(vdi["SR"] in seen for _, vdi in discs_of(database, database.get("VM", vm)))


def assert_present(database: Database, vm: str) -> None:
    """Raise VDI_MISSING [sr, vdi] for a disc of a VM that its new host does not find."""
    for ref, vdi in discs_of(database, database.get("VM", vm)):
        if vdi.get("missing"):
            raise ApiFailure("VDI_MISSING", vdi["SR"], ref)


def _assert_snapshot(database: Database, vdi: Record) -> None:
    """A mirror begins with a snapshot: of images only, of short chains, and where a thick SR has room for it."""
    config, storage = vdi["sm_config"], database.get("SR", vdi["SR"])
    if "raw" in {config.get("type"), config.get("image-format")} or config.get("vdi_type") == "aio":
        raise ApiFailure("SR_BACKEND_FAILURE_38", "", "Raw VDI, snapshot or clone not permitted", "")
    below = {each["uuid"]: each for _, each in database.items("VDI")}
    chain = [vdi]
    while (parent := chain[-1]["sm_config"].get("vhd-parent")) in below and len(chain) < LONGEST_CHAIN:
        chain.append(below[parent])
    if len(chain) >= LONGEST_CHAIN:
        raise ApiFailure("SR_BACKEND_FAILURE_109", "", "The snapshot chain is too long", "")
    free = int(storage["physical_size"]) - int(storage["physical_utilisation"])
    thick = storage["type"].startswith(THICK) and storage.get("sm_config", {}).get("allocation") != "thin"
    if thick and int(vdi["physical_utilisation"]) > free:
        text = f"Migration_mirror_snapshot_failure(SR_SOURCE_SPACE_INSUFFICIENT:{storage['uuid']})"
        raise ApiFailure("INTERNAL_ERROR", text)


def _assert_format(database: Database, storage: str, vdi: Record) -> None:
    """The SR takes the first format that it prefers and that holds the disk."""
    target, master = database.get("SR", storage), pool_of(database)["master"]
    drivers = (driver for _, driver in database.items("SM") if driver["type"] == target["type"])
    known = [each for driver in drivers for each in driver.get("supported_image_formats", ())]
    known = known or ["qcow2" if target["type"] == "gfs2" else "vhd"]
    pbds = [pbd for _, pbd in database.items("PBD") if pbd["SR"] == storage]
    pbd = next((each for each in pbds if each["host"] == master), pbds[0] if pbds else None)
    wanted = pbd.get("device_config", {}).get("preferred-image-formats", "") if pbd else ""
    preferred = [each.strip() for each in wanted.split(",")] if wanted else known
    if not any(int(vdi["virtual_size"]) <= HOLDS.get(each, HOLDS["vhd"]) for each in preferred if each in known):
        raise ApiFailure("SR_BACKEND_FAILURE_79", "", "VDI Invalid size", "")
