"""Calls that move a VM with its disks, from one host to another, of this pool or of one beside it."""

from __future__ import annotations

from collections.abc import Mapping

from rebalancer.simulator.calls.context import Context, Table
from rebalancer.simulator.checks import another_pool, networks, storage_motion
from rebalancer.simulator.checks.storage_motion import MigrateSend
from rebalancer.simulator.migration import crossing, storage_moves
from rebalancer.simulator.state import sessions
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.world import World, both

Texts = dict[str, str]


def migrate_receive(context: Context, host: str, network: str, options: Texts) -> Texts:
    """Where and how to send VMs to a host: {SM, host, xenops, session_id, master}.

    Like XAPI it opens a session for that, which nobody closes.

    Raises:
        ApiFailure: the licence, or a network without an address on that host.
    """
    del options
    database = context.world.database
    with database.lock:
        database.get("host", host)
        storage_motion.assert_licensed(database)
        session = sessions.opened_by(context.world, context.session)
        address = networks.transfer_address(database, host, network)
    return {
        "SM": f"http://{address}/services/SM?session_id={session}",
        "host": host,
        "xenops": f"http://{address}/services/xenops?session_id={session}",
        "session_id": session,
        "master": _master(context.world),
    }


def assert_can_migrate(  # noqa: PLR0917 - as XAPI has it
    context: Context,
    vm: str,
    dest: Texts,
    live: bool,  # noqa: FBT001 - as XAPI has it
    vdi_map: Texts,
    vif_map: Texts,
    options: Texts,
    vgpu_map: Texts | None = None,
) -> None:
    """Raise what the target and the disks have against a move with disks."""
    del live
    here, (there, host) = context.world, _destination(context, dest)
    groups = vgpu_map or {}
    call = MigrateSend(vm=vm, host=host, vdi_map=vdi_map, vif_map=vif_map, options=options, vgpu_map=groups)
    with both(here, there):
        if there is here:
            storage_motion.assert_can_migrate(here.database, call)
        else:
            another_pool.assert_can_cross(here.database, there.database, call)


def migrate_send(  # noqa: PLR0917 - as XAPI has it
    context: Context,
    vm: str,
    dest: Texts,
    live: bool,  # noqa: FBT001 - as XAPI has it
    vdi_map: Texts,
    vif_map: Texts,
    options: Texts,
    vgpu_map: Texts | None = None,
    vdi_format_map: Texts | None = None,
) -> str:
    """Move a VM with its disks; returns when it is there."""
    del live
    here, (there, host) = context.world, _destination(context, dest)
    call = MigrateSend(
        vm=vm,
        host=host,
        vdi_map=vdi_map,
        vif_map=vif_map,
        options=options,
        formats=vdi_format_map or {},
        vgpu_map=vgpu_map or {},
    )
    if there is here:
        return storage_moves.migrate_send(here, context.task, call)
    return crossing.migrate_send(here, there, context.task, call)


def _destination(context: Context, dest: Mapping[str, str]) -> tuple[World, str]:
    """The pool and the host that a map from host.migrate_receive leads to.

    Raises:
        ApiFailure: it is no such map, leads to a pool that this one cannot reach, or its session is gone.
    """
    if missing := [key for key in ("master", "xenops", "session_id", "host", "SM") if key not in dest]:
        raise ApiFailure("INTERNAL_ERROR", f"Not_found: {missing[0]}")
    for world in (context.world, *context.world.neighbours):
        if dest["master"] == _master(world) and not world.stopping.is_set():
            sessions.assert_open(world, dest["session_id"])
            if world.database.find("host", dest["host"]) is not None:
                return world, dest["host"]
    raise ApiFailure("CANNOT_CONTACT_HOST", dest["master"])


def _master(world: World) -> str:
    return f"http://{world.database.get('host', world.coordinator)['address']}"


CALLS: Table = {
    "host.migrate_receive": migrate_receive,
    "VM.assert_can_migrate": assert_can_migrate,
    "VM.migrate_send": migrate_send,
}
