"""Rows about what only the storage manager refuses, when a move with disks has begun."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rebalancer.units import GIB
from tests.pools import make_driver, make_pbd, make_sr, make_vdi
from tests.rules.disks.motion_rows import DRIVERS, SNAPPED, SRS, STAYS, TWO, Row, checkpoint, disk, snapshot

BIG = {"virtual_size_bytes": 2040 * GIB}
BIGGER = {"virtual_size_bytes": 2040 * GIB + 1}
BOTH = ("vhd", "qcow2")
QCOW2 = {"storage_drivers": DRIVERS | {"nfs": make_driver("nfs", supported_image_formats=BOTH)}}
UNSAID = {"storage_drivers": DRIVERS | {"nfs": make_driver("nfs", supported_image_formats=())}}
FEW = {"storage_drivers": DRIVERS | {"nfs": make_driver("nfs", supported_image_formats=("qcow2",))}}
CLUSTERED = {
    "srs": (make_sr("local", type="gfs2"),),
    "storage_drivers": DRIVERS | {"gfs2": make_driver("gfs2", supported_image_formats=())},
}
BUSY = {"current_operations": ("copy",)}
MISSING = {"missing": True}
LVM = {"type": "lvm", "shared": False}
TWO_OF_LVM = {"vdis": (make_vdi("web-disk0", sr="lvm"), make_vdi("web-disk1", sr="lvm"))}


def held_to(*formats: str) -> dict[str, Any]:
    """A target whose connection to the SR lets new disks have *formats* only."""
    pbds = [make_pbd("h2", "shared"), replace(make_pbd("h2", "local"), image_formats=formats)]
    return {"pbds": tuple(pbds)}


def chain(length: int, *, known: int = 29) -> dict[str, Any]:
    """A pool where the VM's disk stands on a chain of *length* images, of which the database has *known* below it."""
    below = [make_vdi(f"base{at}", sm_config=_on(f"base{at + 1}", at + 2 < length)) for at in range(known)]
    return {"vdis": (make_vdi("web-disk0", sm_config=_on("base0", length > 1)), *below)}


def _on(parent: str, is_there: bool) -> dict[str, str]:
    return {"vhd-parent": parent} if is_there else {}


def left(free: int, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of SR
    """A pool where the disk is on a thick SR that has *free* bytes."""
    size = {"physical_size_bytes": 1000 * GIB, "physical_utilisation_bytes": 1000 * GIB - free}
    drivers = DRIVERS | {"lvm": make_driver("lvm"), "ext": make_driver("ext")}
    lvm = make_sr("lvm", **LVM | size | changes)
    return {"vdis": (make_vdi("web-disk0", sr="lvm"),), "srs": (*SRS, lvm), "storage_drivers": drivers}


STORAGE_ROWS = (
    Row(rule="image-fits", legal=True, pool=disk(**BIG)),
    Row(rule="image-fits", legal=False, pool=disk(**BIGGER)),
    Row(rule="image-fits", legal=True, disks=STAYS, pool=disk(**BIGGER)),
    Row(rule="image-fits", legal=True, pool=disk(**BIGGER) | QCOW2),
    Row(rule="image-fits", legal=True, pool=disk(virtual_size_bytes=16_381 * GIB) | QCOW2),
    Row(rule="image-fits", legal=False, pool=disk(virtual_size_bytes=16_381 * GIB + 1) | QCOW2),
    Row(rule="image-fits", legal=True, pool=disk(**BIG) | UNSAID),
    Row(rule="image-fits", legal=False, pool=disk(**BIGGER) | UNSAID),
    Row(rule="image-fits", legal=True, pool=disk(**BIGGER) | CLUSTERED),
    Row(rule="image-fits", legal=False, pool=disk(**BIGGER) | {"storage_drivers": {}}),
    Row(rule="image-fits", legal=True, target=held_to("vhd", "qcow2"), pool=disk(**BIGGER) | QCOW2),
    Row(rule="image-fits", legal=False, target=held_to("vhd"), pool=disk(**BIGGER) | QCOW2),
    Row(rule="image-fits", legal=True, target=held_to("vhd"), pool=disk(**BIG) | QCOW2),
    Row(rule="image-fits", legal=False, target=held_to("vhd"), pool=FEW),
    Row(rule="image-fits", legal=True, target=held_to("qcow2"), pool=FEW),
    Row(rule="image-fits", legal=False, vm=SNAPPED, pool=snapshot("web-disk0", taken=BIGGER)),
    Row(rule="image-fits", legal=True, vm=SNAPPED, pool=snapshot("web-disk0", taken=BIG)),
    Row(rule="image-fits", legal=True, vm=SNAPPED, pool=checkpoint("raw", **BIGGER)),
    Row(rule="not-raw", legal=False, pool=disk(sm_config={"type": "raw"})),
    Row(rule="not-raw", legal=False, pool=disk(sm_config={"vdi_type": "aio"})),
    Row(rule="not-raw", legal=False, pool=disk(sm_config={"image-format": "raw"})),
    Row(rule="not-raw", legal=True, pool=disk(sm_config={"type": "vhd", "vdi_type": "vhd", "image-format": "qcow2"})),
    Row(rule="not-raw", legal=True, disks=STAYS, pool=disk(sm_config={"type": "raw"})),
    Row(rule="not-raw", legal=True, vm=SNAPPED, pool=snapshot("web-disk0", taken={"sm_config": {"type": "raw"}})),
    Row(rule="short-chain", legal=True, pool=chain(29)),
    Row(rule="short-chain", legal=False, pool=chain(30)),
    Row(rule="short-chain", legal=True, disks=STAYS, pool=chain(30)),
    Row(rule="short-chain", legal=True, pool=chain(30, known=27)),
    Row(rule="short-chain", legal=False, pool=chain(30, known=28)),
    Row(rule="short-chain", legal=False, pool=disk(sm_config={"vhd-parent": "web-disk0"})),
    Row(rule="space-on-source", legal=True, pool=left(20 * GIB)),
    Row(rule="space-on-source", legal=False, pool=left(20 * GIB - 1)),
    Row(rule="space-on-source", legal=False, pool=left(-1)),
    Row(rule="space-on-source", legal=True, pool=left(0, type="ext")),
    Row(rule="space-on-source", legal=True, pool=left(0, thin=True)),
    Row(rule="space-on-source", legal=True, disks={"web-disk0": "lvm"}, pool=left(0)),
    Row(rule="space-on-source", legal=True, pool=disk(sr="gone")),
    Row(
        rule="space-on-source",
        legal=False,
        vm={"vbds": TWO},
        disks={"web-disk0": "local", "web-disk1": "local"},
        pool=left(40 * GIB - 1) | TWO_OF_LVM,
    ),
    Row(
        rule="space-on-source",
        legal=True,
        vm={"vbds": TWO},
        disks={"web-disk0": "local", "web-disk1": "lvm"},
        pool=left(40 * GIB - 1) | TWO_OF_LVM,
    ),
    Row(rule="snapshots-present", legal=False, vm=SNAPPED, pool=snapshot("web-disk0", taken=MISSING)),
    Row(rule="snapshots-present", legal=True, vm=SNAPPED, disks=STAYS, pool=snapshot("web-disk0", taken=MISSING)),
    Row(rule="snapshots-present", legal=False, vm=SNAPPED, pool=checkpoint("raw", **MISSING)),
    Row(rule="snapshots-present", legal=True, vm=SNAPPED, pool=checkpoint("raw")),
    Row(rule="disk-not-busy", legal=False, pool=disk(**BUSY)),
    Row(rule="disk-not-busy", legal=True, disks=STAYS, pool=disk(**BUSY)),
    Row(rule="disk-not-busy", legal=False, vm=SNAPPED, pool=snapshot("web-disk0", taken=BUSY)),
    Row(rule="disk-not-busy", legal=True, vm=SNAPPED, pool=snapshot("web-disk0")),
    Row(rule="source-sr-attached", legal=False, pool=disk(sr="raw")),
    Row(rule="source-sr-attached", legal=True, disks={"web-disk0": "raw"}, pool=disk(sr="raw")),
    Row(rule="source-sr-attached", legal=True, vm={"on": None}, pool=disk(sr="raw")),
    Row(rule="source-sr-attached", legal=False, vm=SNAPPED, pool=snapshot("web-disk0", taken={"sr": "raw"})),
    Row(rule="source-sr-attached", legal=False, vm=SNAPPED, pool=checkpoint("raw")),
    Row(rule="source-sr-attached", legal=True, vm=SNAPPED, pool=checkpoint("shared")),
    Row(rule="disks-present", legal=False, pool=disk(**MISSING)),
    Row(rule="disks-present", legal=False, disks=STAYS, pool=disk(**MISSING)),
    Row(rule="disks-present", legal=True, vm=SNAPPED, pool=snapshot("web-disk0", taken=MISSING)),
)
