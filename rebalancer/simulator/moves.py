"""VM.pool_migrate: waiting, reservation, transfer, and the end of it in the records."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from rebalancer.simulator import queueing, residence, sessions, tasks
from rebalancer.simulator.checks import migration
from rebalancer.simulator.failure import ApiFailure, Cancelled, ConnectionLost
from rebalancer.simulator.faults import Fault
from rebalancer.simulator.schema import NULL
from rebalancer.simulator.world import World

LINK_BYTES_PER_SECOND = 1.1e9
FIXED_SECONDS = 2.0
TICK_SECONDS = 0.05
MOVING_OPERATIONS = ["hard_reboot", "hard_shutdown"]
BROKEN_STREAM = "Xenops_interface.Xenopsd_error([S(Internal_error);S(End_of_file)])"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One transfer under way; all are refs.

    Args:
        vm: what moves.
        source: from where.
        target: to where.
        task: the task, or the dummy ref of a synchronous call.
    """

    vm: str
    source: str
    target: str
    task: str


def pool_migrate(world: World, task: str, vm: str, host: str, options: Mapping[str, str]) -> None:
    """Move a running VM to another host of the pool, or raise what XAPI raises; returns when the VM is there.

    Raises:
        ApiFailure: refused, or failed on the way; the VM is where it was, or halted.
        Cancelled: the task was cancelled.
        ConnectionLost: the toolstack restarted meanwhile.
    """
    with world.database.lock:
        world.database.get("host", host)
        queueing.wait_while(world, task, lambda: migration.must_wait(world.database, vm, host, options))
        migration.assert_may_start(world.database, vm, host, options)
        move = Move(vm=vm, source=world.database.get("VM", vm)["resident_on"], target=host, task=task)
    with _reserved(world, move):
        _transfer(world, move)
        _arrive(world, move)
    _aftermath(world, move)


@contextmanager
def _reserved(world: World, move: Move) -> Iterator[None]:
    database = world.database
    with database.lock:
        before = database.get("VM", move.vm)["allowed_operations"]
        target = database.get("host", move.target)
        operations = {**target["current_operations"], move.task: "vm_migrate"}
        allowed = [name for name in target["allowed_operations"] if name != "evacuate"]
        database.change("host", move.target, current_operations=operations, allowed_operations=allowed)
        database.change(
            "VM",
            move.vm,
            current_operations={move.task: "pool_migrate"},
            scheduled_to_be_resident_on=move.target,
            allowed_operations=list(MOVING_OPERATIONS),
        )
    try:
        yield
    finally:
        _release(world, move, before)


def _release(world: World, move: Move, allowed: list[str]) -> None:
    database = world.database
    with database.lock:
        if (vm := database.find("VM", move.vm)) is not None:
            running = vm["power_state"] == "Running"
            database.change(
                "VM",
                move.vm,
                current_operations={k: v for k, v in vm["current_operations"].items() if k != move.task},
                scheduled_to_be_resident_on=NULL,
                allowed_operations=allowed if running else vm["allowed_operations"],
            )
        host = database.get("host", move.target)
        left = {k: v for k, v in host["current_operations"].items() if k != move.task}
        busy = "vm_migrate" in left.values()
        names = [
            *host["allowed_operations"],
            *([] if busy or "evacuate" in host["allowed_operations"] else ["evacuate"]),
        ]
        database.change("host", move.target, current_operations=left, allowed_operations=names)


def _transfer(world: World, move: Move) -> None:
    restarts, done = world.restarts, 0.0
    strike = _strike(world, move)
    work = FIXED_SECONDS + _actual_memory(world, move.vm) / LINK_BYTES_PER_SECOND
    last = time.monotonic()
    while done < work:
        if world.stopping.wait(TICK_SECONDS) or world.restarts != restarts:
            raise ConnectionLost
        now = time.monotonic()
        done, last = done + (now - last) * world.speed / _sharing(world, move), now
        tasks.advance(world, move.task, 0.99 * min(1.0, done / work))
        if strike and done / work >= strike.number("at", 0.5):
            _fail(world, move, strike)
        if tasks.asked_to_cancel(world, move.task):
            raise Cancelled
        if world.database.get("VM", move.vm)["power_state"] != "Running":
            raise _broken(move)


def _strike(world: World, move: Move) -> Fault | None:
    vm, host = world.uuid("VM", move.vm), world.uuid("host", move.target)
    for kind in ("move-fails", "vm-halts", "toolstack-restart"):
        if fault := world.faults.take(kind, vm=vm, host=host):
            return fault
    return None


def _fail(world: World, move: Move, strike: Fault) -> None:
    if strike.kind == "vm-halts":
        residence.halt(world, move.vm)
        raise _broken(move)
    if strike.kind == "toolstack-restart":
        _restart(world, move, moved=strike.settings.get("outcome", "moved") == "moved")
    if "code" in strike.settings:
        raise ApiFailure(strike.settings["code"], *strike.settings.get("params", "").split())
    raise _broken(move)


def _broken(move: Move) -> ApiFailure:
    return ApiFailure("VM_MIGRATE_FAILED", move.vm, move.source, move.target, BROKEN_STREAM)


def _restart(world: World, move: Move, *, moved: bool) -> None:
    with world.database.lock:
        world.restarts += 1
        if moved:
            _arrive(world, move)
        tasks.cancel_all(world)
        sessions.close_all(world)
    raise ConnectionLost


def _sharing(world: World, move: Move) -> int:
    """How many transfers share the busier of the two links."""
    ends = [
        end
        for _, vm in world.database.items("VM")
        if vm["scheduled_to_be_resident_on"] != NULL
        for end in (vm["resident_on"], vm["scheduled_to_be_resident_on"])
    ]
    return max(1, ends.count(move.source), ends.count(move.target))


def _actual_memory(world: World, vm: str) -> int:
    record = world.database.get("VM", vm)
    metrics = world.database.find("VM_metrics", record["metrics"])
    return int(metrics["memory_actual"] if metrics else record["memory_dynamic_min"])


def _arrive(world: World, move: Move) -> None:
    """Put the VM on its new host: resident_on and domid flip, load and memory follow."""
    database = world.database
    with database.lock:
        database.change("VM", move.vm, scheduled_to_be_resident_on=NULL)
        residence.settle(world, move.vm, move.target)


def _aftermath(world: World, move: Move) -> None:
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
