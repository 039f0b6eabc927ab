"""Calls of the class message that are more than fields (xapi_message.ml)."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from rebalancer.simulator.calls.context import Context, Table, on_records
from rebalancer.simulator.state.database import Database, Record
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.schema import blank
from rebalancer.simulator.state.world import moment, stamp

# The classes that messages may be about, as their field cls spells them.
ABOUT = {each.lower(): each for each in ("VM", "host", "SR", "pool", "VMPP", "VMSS", "PVS_proxy", "VDI", "Certificate")}


def create(context: Context, name: str, priority: str, cls: str, uuid: str, body: str) -> str:  # noqa: PLR0917 - as XAPI has it
    """Leave a message about an object; UUID_INVALID [class, uuid] where there is none."""
    database = context.world.database
    with database.lock:
        if not _exists(database, cls, uuid):
            raise ApiFailure("UUID_INVALID", cls, uuid)
        said = {"name": name, "priority": priority, "cls": cls, "obj_uuid": uuid, "body": body}
        made = {"uuid": str(uuid4()), "timestamp": stamp(context.world.clock())}
        return database.add("message", blank("message") | said | made)


def get(database: Database, cls: str, uuid: str, since: str) -> dict[str, Record]:
    """The messages about an object since then, newest first; UUID_INVALID [] where there is no such object."""
    if not _exists(database, cls, uuid):
        raise ApiFailure("UUID_INVALID")
    return _since(database, since, lambda each: (each["cls"].lower(), each["obj_uuid"]) == (cls.lower(), uuid))


def get_since(database: Database, since: str) -> dict[str, Record]:
    """All messages since then, newest first."""
    return _since(database, since, lambda _: True)


def destroy_many(database: Database, messages: list[str]) -> None:
    """Remove messages one after the other; HANDLE_INVALID [message, ref] at the first that is not there."""
    for ref in messages:
        database.remove("message", ref)


def _exists(database: Database, cls: str, uuid: str) -> bool:
    known = ABOUT.get(cls.lower(), "")
    return any(record["uuid"] == uuid for _, record in database.items(known))


def _since(database: Database, since: str, wanted: Callable[[Record], bool]) -> dict[str, Record]:
    after = moment(since)
    every = sorted(database.all("message").items(), key=lambda pair: pair[1]["timestamp"], reverse=True)
    return {ref: each for ref, each in every if moment(each["timestamp"]) > after and wanted(each)}


CALLS: Table = {
    "message.create": create,
    "message.get": on_records(get),
    "message.get_since": on_records(get_since),
    "message.destroy": on_records(lambda database, ref: database.remove("message", ref)),
    "message.destroy_many": on_records(destroy_many),
}
