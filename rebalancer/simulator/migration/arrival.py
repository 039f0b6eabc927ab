"""The end of a move: the VM on its new host, the message about it, and the faults that strike then."""

from __future__ import annotations

from uuid import uuid4

from rebalancer.simulator.migration import memory, residence
from rebalancer.simulator.migration.transfer import MoveRequest
from rebalancer.simulator.state.database import Database
from rebalancer.simulator.state.schema import NULL, blank
from rebalancer.simulator.state.world import World, stamp


def arrive(world: World, move: MoveRequest) -> None:
    """Put the VM on its new host: resident_on and domid flip, load and memory follow, which grows again."""
    with world.database.lock:
        world.database.change("VM", move.vm, scheduled_to_be_resident_on=NULL)
        residence.settle(world, move.vm, move.target)
        memory.give_back(world, move.vm)


def announce(world: World, move: MoveRequest) -> None:
    """Leave the message VM_MIGRATED, as XAPI does after every move of a running VM within the pool."""
    database = world.database
    with database.lock:
        ends = ("VM", move.vm), ("host", move.source), ("host", move.target)
        records = (database.get(cls, ref) for cls, ref in ends)
        name, source, target = (f"'{record['name_label']}' (uuid: {record['uuid']})" for record in records)
        message = {
            "uuid": str(uuid4()),
            "name": "VM_MIGRATED",
            "priority": "5",
            "cls": "VM",
            "obj_uuid": world.uuid("VM", move.vm),
            "timestamp": stamp(world.clock()),
            "body": f"VM {name} migrated from host {source} to host {target}",
        }
        database.add("message", blank("message") | message)


def aftermath(world: World, move: MoveRequest) -> None:
    """Carry out the faults that strike once a move is over."""
    database, vm = world.database, world.uuid("VM", move.vm)
    for kind in ("host-disabled", "host-dead", "pbd-unplugged"):
        if fault := world.faults.take(kind, vm=vm):
            _strike_host(database, kind, database.by_uuid("host", fault.about["host"]))
    if fault := world.faults.take("other-actor", vm=vm):
        other = database.by_uuid("VM", fault.settings["other"])
        residence.settle(world, other, database.by_uuid("host", fault.settings["to"]))


def _strike_host(database: Database, kind: str, host: str) -> None:
    if kind == "host-disabled":
        database.change("host", host, enabled=False)
    elif kind == "host-dead":
        database.change("host_metrics", database.get("host", host)["metrics"], live=False)
    else:
        for ref, pbd in database.items("PBD"):
            if pbd["host"] == host and database.get("SR", pbd["SR"])["shared"]:
                database.change("PBD", ref, currently_attached=False)
