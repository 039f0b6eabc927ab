"""Asynchronous calls under way: records of the class task."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from rebalancer.simulator.state.database import Record
from rebalancer.simulator.state.failure import Cancelled, ConnectionLost
from rebalancer.simulator.state.schema import blank
from rebalancer.simulator.state.world import World, stamp

KEPT_SECONDS = 65 * 60
MOST_TASKS = 200
LOOK_AGAIN_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 2 * 3600.0


def begin(world: World, label: str, *, description: str = "", session: str = "") -> str:
    """Record a pending task of whoever the session is of, and return its ref; old tasks that are over go meanwhile."""
    _collect(world)
    record = blank("task") | {
        "uuid": str(uuid4()),
        "name_label": label,
        "name_description": description,
        "allowed_operations": ["cancel"],
        "created": stamp(world.clock()),
        "status": "pending",
        "resident_on": world.coordinator,
        "type": "<none/>",
        "backtrace": "()",
    }
    owner = world.database.find("session", session) or {}
    ref = world.database.add("task", record)
    world.owners[ref] = owner.get("auth_user_sid", "")
    return ref


def _collect(world: World) -> None:
    """Remove tasks that are over: long ago, to be destroyed then, or the oldest where there are too many in all."""
    with world.database.lock:
        over = [(record["finished"], ref, record) for ref, record in world.database.items("task") if is_over(record)]
        oldest = stamp(world.clock() - KEPT_SECONDS)
        surplus = max(0, world.database.count("task") - MOST_TASKS)
        for number, (finished, ref, record) in enumerate(sorted(over, key=lambda each: each[:2])):
            if finished < oldest or number < surplus or "destroy" in record["current_operations"].values():
                world.database.remove("task", ref)
                world.owners.pop(ref, None)


def is_over(record: Record) -> bool:
    """Whether a task has ended, well or not."""
    return record["status"] in {"success", "failure", "cancelled"}


def is_pending(world: World, ref: str) -> bool:
    """Whether a task exists and is not over."""
    record = world.database.find("task", ref)
    return record is not None and record["status"] == "pending"


def advance(world: World, ref: str, progress: float) -> None:
    """Show how far a task is, 0 to 1; a call without a task shows nothing."""
    with world.database.lock:
        if is_pending(world, ref):
            world.database.change("task", ref, progress=round(progress, 3))


def finish(world: World, ref: str, status: str, *, result: str = "", error: tuple[str, ...] = ()) -> None:
    """End a pending task as success with a result in XML, failure with code and parameters, or cancelled."""
    with world.database.lock:
        if is_pending(world, ref):
            over = {"allowed_operations": [], "finished": stamp(world.clock()), "progress": 1.0}
            world.database.change("task", ref, status=status, result=result, error_info=list(error), **over)


def ask_to_cancel(world: World, ref: str) -> None:
    """Note that somebody wants a task cancelled; its operation looks for that itself. A finished one stays as it is."""
    with world.database.lock:
        world.database.get("task", ref)
        if is_pending(world, ref):
            mark = {f"DummyRef:|{uuid4()}|task.cancel": "cancel"}
            world.database.change("task", ref, current_operations=mark)


def asked_to_cancel(world: World, ref: str) -> bool:
    """Whether somebody wants a task cancelled."""
    record = world.database.find("task", ref)
    return record is not None and "cancel" in record["current_operations"].values()


def wait_while(world: World, task: str, is_busy: Callable[[], bool], give_up: Callable[[], object]) -> None:
    """Wait, with the database's lock held by the caller, until nothing else is under way: a second operation queues.

    A wish to cancel the waiting task is seen only at the end, as in XAPI (XAPI.md 4.4). After two hours `give_up`
    raises what keeps it waiting.

    Raises:
        ApiFailure: what `is_busy` says refuses the operation before any waiting.
        Cancelled: the task was to be cancelled meanwhile.
        ConnectionLost: the toolstack restarted or the simulator stops.
    """
    restarts, until = world.restarts, world.timing.monotonic() + LONGEST_WAIT_SECONDS
    while is_busy():
        if world.timing.monotonic() >= until:
            give_up()
        world.database.changed.wait(LOOK_AGAIN_SECONDS)
        if world.stopping.is_set() or world.restarts != restarts:
            raise ConnectionLost
    if asked_to_cancel(world, task):
        raise Cancelled


def cancel_all(world: World) -> None:
    """End every pending task as cancelled, as a restart of the toolstack does."""
    for ref, _ in world.database.items("task"):
        finish(world, ref, "cancelled")
