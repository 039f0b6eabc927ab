"""What VM.assert_can_migrate checks for a target in the same pool, in xapi's order (xapi_vm_migrate.ml)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from rebalancer.simulator.checks import boot_here, gpus, versions
from rebalancer.simulator.checks.facts import is_live, is_restricted, members_of, pool_of
from rebalancer.simulator.state.database import Database, Record
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.schema import NULL

OPERATION = "migrate_send"
NEEDED_TO_LEAVE = ("VDI_SNAPSHOT", "VDI_MIRROR")
NEEDED_TO_ENTER = ("VDI_SNAPSHOT", "VDI_MIRROR_IN")
NO_VIF_MAP = "VIF mapping is not allowed for intra-pool migration -all VIFs must be on the same network"
NO_COPY = (
    "Copy mode is disallowed on intra pool storage migration, try efficient alternatives, for example, VM.copy/clone."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrateSend:
    """A move with disks that somebody asks for; refs, as the call has them.

    Args:
        vm: what moves.
        host: to where; it may be where the VM is.
        vdi_map: {VDI: SR that it goes to}; its own SR for one that stays.
        vif_map: {VIF: network}; has to be empty inside a pool.
        options: force = true leaves out the CPU; copy = true is for another pool only.
        formats: {VDI: image format wanted}.
        vgpu_map: {vGPU: GPU group of another pool}; for others the group is found by its hardware.
    """

    vm: str
    host: str
    vdi_map: Mapping[str, str]
    vif_map: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    formats: Mapping[str, str] = field(default_factory=dict)
    vgpu_map: Mapping[str, str] = field(default_factory=dict)


def assert_can_migrate(database: Database, call: MigrateSend) -> None:
    """Raise what VM.assert_can_migrate raises.

    It asks about the target, the disks and the source's life, never about the VM's own state, nor whether the target
    sees the SRs.
    """
    guest = database.get("VM", call.vm)
    assert_licensed(database)
    assert_mapped(database, guest, call.vdi_map)
    source = str(guest["resident_on"])
    if versions.is_older(database, call.host, than=pool_of(database)["master"] if source == NULL else source):
        raise ApiFailure("NOT_SUPPORTED_DURING_UPGRADE")
    assert_drivers(database, call.vdi_map)
    boot_here.assert_can_come_with_disks(database, call.vm, call.host, forced=call.options.get("force") == "true")
    if call.vif_map:
        raise ApiFailure("OPERATION_NOT_ALLOWED", NO_VIF_MAP)
    assert_may_leave(database, call.vdi_map)
    if source != NULL and not is_live(database, database.get("host", source)):
        raise ApiFailure("HOST_OFFLINE", source)
    gpus.assert_first_cards_answer(database, call.vm, database, call.host)


def begun(database: Database, call: MigrateSend, there: Database | None = None) -> MigrateSend:
    """The call with its map whole, once VM.migrate_send has nothing against it that VM.assert_can_migrate lets pass.

    Host and SRs are of `there`, if the host is in another pool.
    """
    if there is None and call.options.get("copy") == "true":
        raise ApiFailure("OPERATION_NOT_ALLOWED", NO_COPY)
    guest = database.get("VM", call.vm)
    for ref, vdi in disks_of(database, guest):
        if vdi["on_boot"] == "reset":
            raise ApiFailure("VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION", ref)
    for ref in _images(database, call, there or database) if guest["resident_on"] != NULL else ():
        if guest["resident_on"] not in _connected(database, database.get("VDI", ref)["SR"]):
            raise ApiFailure("SUSPEND_IMAGE_NOT_ACCESSIBLE", ref)
    whole = replace(call, vdi_map=whole_map(database, call, there))
    assert_may_leave(database, whole.vdi_map)
    for ref, image_format in call.formats.items():
        _assert_format(there or database, whole.vdi_map.get(ref, NULL), image_format)
    return whole


def whole_map(database: Database, call: MigrateSend, there: Database | None = None) -> dict[str, str]:
    """{VDI: SR} with the disks of snapshots and images of suspended VMs that the caller did not name.

    They go to SRs of `there`, if the host is in another pool.

    Raises:
        ApiFailure: VDI_NOT_IN_MAP [vdi] for one that has nowhere to go.
    """
    whole = dict(call.vdi_map)
    there = there or database
    pool, (_, *snapshots) = pool_of(there), family(database, call.vm)
    for snapshot in snapshots:
        for ref, vdi in disks_of(database, snapshot):
            whole.setdefault(ref, whole.get(vdi["snapshot_of"]) or pool["default_SR"])
    places = [pool["suspend_image_SR"], there.get("host", call.host)["suspend_image_sr"], pool["default_SR"]]
    for ref in _images(database, call, there):
        whole.setdefault(ref, next((place for place in places if place != NULL), NULL))
    if homeless := [ref for ref, storage in whole.items() if storage == NULL]:
        raise ApiFailure("VDI_NOT_IN_MAP", homeless[0])
    return whole


def all_disks(database: Database, call: MigrateSend, there: Database | None = None) -> set[str]:
    """The disks that a move takes along: the VM's, its snapshots', and images that the target does not see."""
    disks = {ref for record in family(database, call.vm) for ref, _ in disks_of(database, record)}
    return disks | set(_images(database, call, there or database))


def family(database: Database, vm: str) -> list[Record]:
    """The records of a VM and its snapshots."""
    guest = database.get("VM", vm)
    return [guest, *members_of(database, "VM", guest["snapshots"])]


def _images(database: Database, call: MigrateSend, there: Database) -> Iterator[str]:
    """Memory images on SRs to which the target has no connection, plugged or not."""
    for record in family(database, call.vm):
        if record["power_state"] != "Suspended":
            continue
        image = database.get("VDI", record["suspend_VDI"])
        if there is not database or call.host not in _connected(database, image["SR"]):
            yield record["suspend_VDI"]


def _connected(database: Database, storage: str) -> set[str]:
    return {pbd["host"] for _, pbd in database.items("PBD") if pbd["SR"] == storage}


def assert_licensed(database: Database) -> None:
    """Raise LICENCE_RESTRICTION [Storage_motion] where the pool's licence holds it back."""
    if is_restricted(database, "storage_xen_motion"):
        raise ApiFailure("LICENCE_RESTRICTION", "Storage_motion")


def assert_mapped(database: Database, guest: Record, vdi_map: Mapping[str, str]) -> None:
    """Raise VDI_NOT_IN_MAP [vdi] for a disk that nobody says where to put."""
    for ref, _ in disks_of(database, guest):
        if ref not in vdi_map:
            raise ApiFailure("VDI_NOT_IN_MAP", ref)


def assert_may_leave(database: Database, vdi_map: Mapping[str, str]) -> None:
    """Raise VDI_CBT_ENABLED [vdi] or VDI_IS_ENCRYPTED [vdi] for a disk that changes its SR."""
    for ref, _ in leaving(database, vdi_map):
        vdi = database.get("VDI", ref)
        if vdi["cbt_enabled"]:
            raise ApiFailure("VDI_CBT_ENABLED", ref)
        if "key_hash" in vdi["sm_config"]:
            raise ApiFailure("VDI_IS_ENCRYPTED", ref)


def disks_of(database: Database, guest: Record) -> Iterator[tuple[str, Record]]:
    """Iterate over (ref, VDI) of the drives that have to be mapped: neither empty nor CDs."""
    for vbd in (database.get("VBD", ref) for ref in guest["VBDs"]):
        if not vbd["empty"] and vbd["type"] != "CD":
            yield vbd["VDI"], database.get("VDI", vbd["VDI"])


def leaving(database: Database, vdi_map: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Iterate over (VDI, SR) of the disks that change their SR."""
    for vdi, storage in vdi_map.items():
        if database.get("VDI", vdi)["SR"] != storage:
            yield vdi, storage


def assert_drivers(database: Database, vdi_map: Mapping[str, str], there: Database | None = None) -> None:
    """Raise SR_DOES_NOT_SUPPORT_MIGRATION [sr, features]; SRs of two pools that have one uuid count as one."""
    there = there or database
    for vdi, storage in vdi_map.items():
        source = database.get("VDI", vdi)["SR"]
        if database.get("SR", source)["uuid"] != there.get("SR", storage)["uuid"]:
            _assert_driver(database, source, NEEDED_TO_LEAVE)
            _assert_driver(there, storage, NEEDED_TO_ENTER)


def _assert_driver(database: Database, storage: str, needed: tuple[str, ...]) -> None:
    features = _features(database, database.get("SR", storage)["type"])
    if missing := [name for name in needed if name not in features]:
        raise ApiFailure("SR_DOES_NOT_SUPPORT_MIGRATION", storage, ";".join(missing))


def _features(database: Database, kind: str) -> set[str]:
    """What the one driver of a type can; one that mirrors out can also take a mirror in."""
    drivers = _drivers(database, kind)
    features = set(drivers[0]["features"]) if len(drivers) == 1 else set()
    return features | ({"VDI_MIRROR_IN"} if "VDI_MIRROR" in features else set())


def _drivers(database: Database, kind: str) -> list[Record]:
    return [driver for _, driver in database.items("SM") if driver["type"] == kind]


def _assert_format(database: Database, storage: str, image_format: str) -> None:
    target = database.get("SR", storage)
    known = {f for driver in _drivers(database, target["type"]) for f in driver.get("supported_image_formats", [])}
    if image_format and known and image_format not in known:
        text = f"Image format {image_format} is not supported by {target['uuid']}"
        raise ApiFailure("VDI_INCOMPATIBLE_TYPE", text)
