"""The end of a move: the VM on its new host, the message about it, and the faults that strike then."""

from __future__ import annotations

from uuid import uuid4

from rebalancer.simulator.migration import residence
from rebalancer.simulator.migration.transfer import MigrationCall
from rebalancer.simulator.state.schema import NULL, blank
from rebalancer.simulator.state.world import World, stamp


def arrive(world: World, move: MigrationCall) -> None:
    """Put the VM on its new host: resident_on and domid flip, load and memory follow."""
    with world.database.lock:
        world.database.change("VM", move.vm, scheduled_to_be_resident_on=NULL)
        residence.settle(world, move.vm, move.target)


def announce(world: World, move: MigrationCall) -> None:
    """Leave the message VM_MIGRATED, as XAPI does after every move of a running VM within the pool."""
    database = world.database
    with database.lock:
        name, source, target = (
            f"'{record['name_label']}' (uuid: {record['uuid']})"
            for record in (
                database.get("VM", move.vm),
                database.get("host", move.source),
                database.get("host", move.target),
            )
        )
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


def aftermath(world: World, move: MigrationCall) -> None:
    """Carry out the faults that strike once a move is over."""
    database, vm = world.database, world.uuid("VM", move.vm)
    if fault := world.faults.take("host-disabled", vm=vm):
        database.change("host", database.by_uuid("host", fault.about["host"]), enabled=False)
    if fault := world.faults.take("host-dead", vm=vm):
        host = database.get("host", database.by_uuid("host", fault.about["host"]))
        database.change("host_metrics", host["metrics"], live=False)
    if fault := world.faults.take("pbd-unplugged", vm=vm):
        host_ref = database.by_uuid("host", fault.about["host"])
        for ref, pbd in database.items("PBD"):
            if pbd["host"] == host_ref and database.get("SR", pbd["SR"])["shared"]:
                database.change("PBD", ref, currently_attached=False)
    if fault := world.faults.take("other-actor", vm=vm):
        other = database.by_uuid("VM", fault.settings["other"])
        residence.settle(world, other, database.by_uuid("host", fault.settings["to"]))
