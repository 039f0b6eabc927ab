"""VMs that go: their records, and what belongs to them."""

from __future__ import annotations

from rebalancer.simulator.migration import disks
from rebalancer.simulator.state.database import Database
from rebalancer.simulator.state.schema import NULL
from rebalancer.simulator.state.vm_import import family_of, rows_of
from rebalancer.simulator.state.world import World


def replace_halted(there: Database, uuids: list[str]) -> None:
    """Remove the records of halted VMs of these uuids, as XAPI does for the one that comes; their disks stay."""
    for ref, vm in list(there.items("VM")):
        if vm["uuid"] in uuids:
            destroy(there, ref)


def destroy(database: Database, vm: str) -> None:
    """Remove the records of a VM and its snapshots, and all that belongs to them; their disks stay."""
    rows = list(rows_of(database, vm))
    for cls, ref in rows:
        database.remove(cls, ref)
    _forget(database, {ref for _, ref in rows})


def erase(world: World, vm: str, *, but_record: bool = False) -> None:
    """Remove a VM, its snapshots and all that belongs to them, disks included; `but_record` leaves the VM itself."""
    database = world.database
    with database.lock:
        rows = list(rows_of(database, vm))
        discs = {database.get("VBD", ref)["VDI"] for cls, ref in rows if cls == "VBD"}
        images = {database.get("VM", ref)["suspend_VDI"] for ref in family_of(database, vm)}
        gone = {vm} if but_record else set[str]()
        for cls, ref in rows:
            if ref not in gone:
                database.remove(cls, ref)
        _forget(database, {ref for _, ref in rows})
        if but_record:
            database.change("VM", vm, VBDs=[], VIFs=[], VTPMs=[], snapshots=[], metrics=NULL, guest_metrics=NULL)
        for ref in (discs | images) - {NULL}:
            disks.remove(world, ref)


def _forget(database: Database, gone: set[str]) -> None:
    """Take what is gone out of the lists of disks, networks and groups that stay."""
    for cls, name in (("VDI", "VBDs"), ("network", "VIFs"), ("VM_group", "VMs")):
        for ref, record in database.items(cls):
            if left := gone.intersection(record[name]):
                database.change(cls, ref, **{name: [each for each in record[name] if each not in left]})
