"""The records of a VM that goes to another pool: what is written there, and what goes here (import.ml).

The VM and its snapshots keep their uuids, all that belongs to them gets new ones; what they name and do not bring
along, such as the disc in a CD drive or a group, is left behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from rebalancer.simulator.migration import disks
from rebalancer.simulator.state.database import Database, Record, new_ref
from rebalancer.simulator.state.schema import NULL
from rebalancer.simulator.state.world import World

BELONGINGS = {
    "VBD": "VBDs",
    "VIF": "VIFs",
    "VTPM": "VTPMs",
    "VM_metrics": "metrics",
    "VM_guest_metrics": "guest_metrics",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Luggage:
    """What a VM takes along besides its own records; refs.

    Args:
        disks: {VDI here: its copy there}.
        networks: {VIF here: network there}.
    """

    disks: Mapping[str, str] = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)


def family_of(database: Database, vm: str) -> list[str]:
    """Return a VM and its snapshots."""
    return [vm, *(ref for ref in database.get("VM", vm)["snapshots"] if database.find("VM", ref))]


def write(here: Database, there: Database, vm: str, luggage: Luggage) -> str:
    """Write the records of a VM into another pool, where it is on no host yet; return its ref there."""
    rows = list(_rows(here, vm))
    names = {ref: new_ref() for _, ref in rows}
    known = {**names, **luggage.disks}
    with there.lock:
        for cls, ref in rows:
            there.add(cls, _translated(cls, here.get(cls, ref), known), ref=names[ref])
        for cls, ref in rows:
            if cls == "VBD":
                _plug_disk(there, names[ref])
            if cls == "VIF":
                _plug_network(there, names[ref], luggage.networks.get(ref, NULL))
        for old, new in luggage.disks.items():
            vdi = here.get("VDI", old)
            origin, snapshots = known.get(vdi["snapshot_of"], NULL), [known[r] for r in vdi["snapshots"] if r in known]
            there.change("VDI", new, snapshot_of=origin, snapshots=snapshots)
    return names[vm]


def erase(world: World, vm: str, *, but_record: bool = False) -> None:
    """Remove a VM, its snapshots and all that belongs to them, disks included; `but_record` leaves the VM itself."""
    database = world.database
    with database.lock:
        rows = list(_rows(database, vm))
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


def _rows(database: Database, vm: str) -> Iterator[tuple[str, str]]:
    """Iterate over (class, ref) of a VM, its snapshots, and what belongs to them."""
    for member in family_of(database, vm):
        record = database.get("VM", member)
        yield "VM", member
        for cls, name in BELONGINGS.items():
            value = record[name]
            for ref in [value] if isinstance(value, str) else value:
                if database.find(cls, ref) is not None:
                    yield cls, ref


def _translated(cls: str, record: Record, known: Mapping[str, str]) -> Record:
    """Return a record as another pool has it: refs of what is known there, and none of anything else."""
    kept = {name: _value(value, known) for name, value in record.items()}
    if cls != "VM":
        return kept | {"uuid": str(uuid4())}
    return kept | {"current_operations": {}, "resident_on": NULL, "scheduled_to_be_resident_on": NULL}


def _value(value: Any, known: Mapping[str, str]) -> Any:  # noqa: ANN401 - any wire type
    if isinstance(value, str):
        return known.get(value, NULL) if value.startswith("OpaqueRef:") else value
    if isinstance(value, list):
        return [known.get(each, each) for each in value if not each.startswith("OpaqueRef:") or each in known]
    return value


def _plug_disk(there: Database, vbd: str) -> None:
    vdi = there.get("VBD", vbd)["VDI"]
    if vdi == NULL:
        there.change("VBD", vbd, empty=True, currently_attached=False)
    else:
        there.change("VDI", vdi, VBDs=[*there.get("VDI", vdi)["VBDs"], vbd])


def _plug_network(there: Database, vif: str, network: str) -> None:
    there.change("VIF", vif, network=network)
    if (record := there.find("network", network)) is not None:
        there.change("network", network, VIFs=[*record["VIFs"], vif])


def _forget(database: Database, gone: set[str]) -> None:
    """Take what is gone out of the lists of disks, networks and groups that stay."""
    for cls, name in (("VDI", "VBDs"), ("network", "VIFs"), ("VM_group", "VMs")):
        for ref, record in database.items(cls):
            if left := gone.intersection(record[name]):
                database.change(cls, ref, **{name: [each for each in record[name] if each not in left]})
