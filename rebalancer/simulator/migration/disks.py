"""Discs in drives, and disks on their way from one SR to another: the copy, the space it takes, and its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from rebalancer.simulator.checks.copies import THICK, assert_attached
from rebalancer.simulator.state.database import Record
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.schema import NULL
from rebalancer.simulator.state.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A disk and its copy on another SR; both are refs of VDIs."""

    old: str
    new: str


def eject(world: World, vbd: str) -> None:
    """Take the disc out of a drive."""
    database = world.database
    with database.lock:
        disc = database.get("VBD", vbd)["VDI"]
        if (record := database.find("VDI", disc)) is not None:
            database.change("VDI", disc, VBDs=[ref for ref in record["VBDs"] if ref != vbd])
        database.change("VBD", vbd, VDI=NULL, empty=True, currently_attached=False)


def begin_copy(world: World, vdi: str, storage: str, host: str, there: World | None = None) -> Copy:
    """Create a disk's copy: a VDI with a ref and a uuid of its own, its space taken from now on.

    An SR that is there but not attached is attached first, on the target and on the coordinator. SR and target are of
    the pool `there`, if that is another one.

    Raises:
        ApiFailure: SR_BACKEND_FAILURE_44 when it does not fit; INTERNAL_ERROR when the target has no way to the SR.
    """
    old, world = world.database.get("VDI", vdi), there or world
    database = world.database
    with database.lock:
        _attach(world, storage, host)
        assert_attached(database, storage, host)
        target = database.get("SR", storage)
        size = old["virtual_size"] if target["type"].startswith(THICK) else old["physical_utilisation"]
        if int(size) > int(target["physical_size"]) - int(target["physical_utilisation"]):
            raise ApiFailure("SR_BACKEND_FAILURE_44", "", "There is insufficient space", "")
        uuid = str(uuid4())
        ours = {"uuid": uuid, "location": uuid, "SR": storage, "VBDs": [], "physical_utilisation": size}
        new = database.add("VDI", {**old, **ours, "snapshot_of": NULL, "snapshots": []})
        _account(world, storage, database.get("VDI", new), [*target["VDIs"], new], sign=1)
    return Copy(old=vdi, new=new)


def take_over(world: World, copies: Sequence[Copy]) -> None:
    """Put the copies in the place of the disks: drives, snapshots and suspended VMs name them, the disks are gone."""
    database, names = world.database, {copy.old: copy.new for copy in copies}
    with database.lock:
        for copy in copies:
            old = database.get("VDI", copy.old)
            snapshots = [names.get(ref, ref) for ref in old["snapshots"]]
            origin = names.get(old["snapshot_of"], old["snapshot_of"])
            database.change("VDI", copy.new, VBDs=old["VBDs"], snapshots=snapshots, snapshot_of=origin)
            for vbd in old["VBDs"]:
                database.change("VBD", vbd, VDI=copy.new)
            for vm in [ref for ref, record in database.items("VM") if record["suspend_VDI"] == copy.old]:
                database.change("VM", vm, suspend_VDI=copy.new)
        for copy in copies:
            remove(world, copy.old)


def discard(world: World, copies: Sequence[Copy]) -> None:
    """Remove the copies of a move that failed, and give their space back."""
    for copy in copies:
        remove(world, copy.new)


def _attach(world: World, storage: str, host: str) -> None:
    database = world.database
    ends = [ref for ref in {host, world.coordinator} if database.get("host", ref)["enabled"]]
    for ref in database.get("SR", storage)["PBDs"]:
        pbd = database.get("PBD", ref)
        if pbd["host"] in ends and not pbd["currently_attached"]:
            database.change("PBD", ref, currently_attached=True)


def remove(world: World, vdi: str) -> None:
    """Remove a disk, and give its space back."""
    database = world.database
    with database.lock:
        record = database.get("VDI", vdi)
        others = [ref for ref in database.get("SR", record["SR"])["VDIs"] if ref != vdi]
        _account(world, record["SR"], record, others, sign=-1)
        database.remove("VDI", vdi)


def _account(world: World, storage: str, vdi: Record, disks: list[str], *, sign: int) -> None:
    target = world.database.get("SR", storage)
    used = max(0, int(target["physical_utilisation"]) + sign * int(vdi["physical_utilisation"]))
    promised = max(0, int(target["virtual_allocation"]) + sign * int(vdi["virtual_size"]))
    world.database.change("SR", storage, VDIs=disks, physical_utilisation=str(used), virtual_allocation=str(promised))
