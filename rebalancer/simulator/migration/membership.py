"""Hosts that join a pool, and hosts that leave it."""

from __future__ import annotations

from typing import Final
from uuid import uuid4

from rebalancer.simulator.migration import removal, residence
from rebalancer.simulator.state.database import Record, new_ref
from rebalancer.simulator.state.schema import NULL
from rebalancer.simulator.state.world import World

OF_A_HOST: Final = {"PBD": "PBDs", "PIF": "PIFs"}
"""Classes of what belongs to a host, with the field of the host that names it."""
LOST: Final = "127.0.99.1"
"""Address at which nobody answers."""


def join(world: World) -> str:
    """Add a host like the coordinator, with its networks and shared SRs and without VMs; return its ref."""
    database, ref = world.database, new_ref()
    with database.lock:
        model = database.get("host", world.coordinator)
        metrics = database.add("host_metrics", {**database.get("host_metrics", model["metrics"]), "uuid": str(uuid4())})
        belongings = {field: _copies(world, cls, ref) for cls, field in OF_A_HOST.items()}
        name = f"{model['name_label']}-new"
        alone = {"resident_VMs": [], "control_domain": NULL, "host_CPUs": [], "PCIs": [], "PGPUs": [], "PUSBs": []}
        own = {"uuid": str(uuid4()), "name_label": name, "hostname": name, "address": LOST, "metrics": metrics}
        return database.add("host", {**model, **own, **alone, **belongings, "current_operations": {}}, ref=ref)


def _copies(world: World, cls: str, host: str) -> list[str]:
    """Refs of copies, for a host, of what the coordinator has of a class and every host may have."""
    rows = [record for _, record in world.database.items(cls) if record["host"] == world.coordinator]
    alike = [record for record in rows if _is_common(world, cls, record)]
    return [_copy(world, cls, record, host) for record in alike]


def _copy(world: World, cls: str, record: Record, host: str) -> str:
    own = {"uuid": str(uuid4()), "host": host} | ({"IP": LOST if record["management"] else ""} if cls == "PIF" else {})
    ref = world.database.add(cls, {**record, **own})
    if cls == "PBD":
        _list(world, "SR", record["SR"], "PBDs", ref)
    else:
        _list(world, "network", record["network"], "PIFs", ref)
    return ref


def _is_common(world: World, cls: str, record: Record) -> bool:
    if cls == "PBD":
        return bool(world.database.get("SR", record["SR"])["shared"])
    return record["bond_slave_of"] == NULL and not record["bond_master_of"] and record["physical"]


def _list(world: World, cls: str, owner: str, field: str, ref: str) -> None:
    database = world.database
    database.change(cls, owner, **{field: [*database.get(cls, owner)[field], ref]})


def leave(world: World, host: str) -> None:
    """Remove a host with all that belongs to it; guests that ran there are off then, and its own SRs stay."""
    database = world.database
    with database.lock:
        world.down.add(host)
        record = database.get("host", host)
        for vm in record["resident_VMs"]:
            if database.get("VM", vm)["is_control_domain"]:
                removal.destroy(database, vm)
            else:
                residence.halt(world, vm)
        for cls in OF_A_HOST:
            for ref in [ref for ref, each in database.items(cls) if each["host"] == host]:
                _remove(world, cls, ref)
        database.remove("host", host)
        database.remove("host_metrics", record["metrics"])
        database.changed.notify_all()


def _remove(world: World, cls: str, ref: str) -> None:
    database = world.database
    owner, field = ("SR", "PBDs") if cls == "PBD" else ("network", "PIFs")
    holder = database.get(cls, ref)["SR" if cls == "PBD" else "network"]
    if (record := database.find(owner, holder)) is not None:
        database.change(owner, holder, **{field: [each for each in record[field] if each != ref]})
    database.remove(cls, ref)
