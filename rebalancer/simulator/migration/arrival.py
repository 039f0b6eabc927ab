"""The end of a move: the VM on its new host, the message about it, and the faults that strike then."""

from __future__ import annotations

from uuid import uuid4

from rebalancer.simulator.migration import memory, residence
from rebalancer.simulator.migration.transfer import MoveRequest
from rebalancer.simulator.state.fault import Moment
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
    """Let happen what is to go wrong once a move is over."""
    world.strike(Moment.END, move.vm, vm=world.uuid("VM", move.vm))
