"""The records of a VM that another pool takes in (import.ml).

The VM and its snapshots keep their uuids, all that belongs to them gets new ones; what they name and do not bring
along, such as the disc in a CD drive or a group, is left behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

from rebalancer.simulator.state.database import Database, Record, new_ref
from rebalancer.simulator.state.schema import NULL

BELONGINGS = {
    "VBD": "VBDs",
    "VIF": "VIFs",
    "VTPM": "VTPMs",
    "VM_metrics": "metrics",
    "VM_guest_metrics": "guest_metrics",
}


def family_of(database: Database, vm: str) -> list[str]:
    """A VM and its snapshots."""
    return [vm, *(ref for ref in database.get("VM", vm)["snapshots"] if database.find("VM", ref))]


def import_vm(
    here: Database, there: Database, vm: str, *, disks: Mapping[str, str], networks: Mapping[str, str]
) -> str:
    """Write the records of a VM into another pool, where it is on no host yet; return its ref there.

    The copies of its `disks` are there already, {VDI here: VDI there}; its VIFs go on `networks`, {VIF: network there}.
    """
    rows = list(rows_of(here, vm))
    names = {ref: new_ref() for _, ref in rows}
    known = {**names, **disks}
    with there.lock:
        for cls, ref in rows:
            there.add(cls, _translated(cls, here.get(cls, ref), known), ref=names[ref])
        for cls, ref in rows:
            if cls == "VBD":
                _plug_disk(there, names[ref])
            if cls == "VIF":
                _plug_network(there, names[ref], networks.get(ref, NULL))
        for old, new in disks.items():
            vdi = here.get("VDI", old)
            origin, snapshots = known.get(vdi["snapshot_of"], NULL), [known[r] for r in vdi["snapshots"] if r in known]
            there.change("VDI", new, snapshot_of=origin, snapshots=snapshots)
    return names[vm]


def rows_of(database: Database, vm: str) -> Iterator[tuple[str, str]]:
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
    """A record as another pool has it: refs of what is known there, and none of anything else."""
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
