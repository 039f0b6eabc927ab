"""VM.migrate_send inside the pool: first the disks, then the memory of a running VM, then the VM is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rebalancer.simulator.checks import boot_here, failover, migration, storage_motion, vm_operations
from rebalancer.simulator.checks.copies import assert_attached, assert_copyable, assert_present
from rebalancer.simulator.checks.facts import discs_of
from rebalancer.simulator.checks.storage_motion import OPERATION, MigrateSend
from rebalancer.simulator.migration import arrival, disks, memory, transfer
from rebalancer.simulator.migration.transfer import FIXED_SECONDS, LINK_BYTES_PER_SECOND, MoveRequest, Transfer
from rebalancer.simulator.state import tasks
from rebalancer.simulator.state.database import Database
from rebalancer.simulator.state.failure import ApiFailure, Cancelled
from rebalancer.simulator.state.schema import NULL
from rebalancer.simulator.state.world import World

AT_ONCE = 3


def migrate_send(world: World, task: str, call: MigrateSend) -> str:
    """Move a VM and its disks; return the VM's ref, which stays the same inside a pool.

    A running VM ends on the target. One that is halted or suspended stays so, and only its disks move. Disks that move
    get new refs and uuids; discs in CD drives are ejected unless the map keeps them on their SR.

    Raises:
        ApiFailure: refused, or failed on the way; the VM is where it was, or halted. Copies are removed, CDs stay out.
        Cancelled: the task was cancelled.
        ConnectionLost: the toolstack restarted meanwhile; nobody removes the copies then.
    """
    database = world.database
    with database.lock:
        tasks.wait_while(
            world,
            task,
            lambda: vm_operations.is_busy(database, call.vm, OPERATION),
            lambda: vm_operations.assert_free(database, call.vm),
        )
        vm_operations.assert_movable(database, call.vm, OPERATION, strict=True)
        storage_motion.assert_can_migrate(database, call)
        move = _admitted(world, task, call)
        call = storage_motion.begun(database, call)
        allowed = transfer.reserve(world, move)
    try:
        for drive in list(drives_to_empty(database, call)):
            disks.eject(world, drive)
        _carry_out(world, move, call)
    finally:
        transfer.release(world, move, allowed)
    if move.source != NULL:
        arrival.announce(world, move)
    arrival.aftermath(world, move)
    return call.vm


def _admitted(world: World, task: str, call: MigrateSend) -> MoveRequest:
    """The move once its hosts take part in it; the HA plan is asked for a VM that is off, and only then."""
    database = world.database
    source = str(database.get("VM", call.vm)["resident_on"])
    target = call.host
    if source == NULL:
        target = _agent(database, call.vm)
        failover.assert_plan_survives(database, call.vm, target)
    migration.assert_target_free(database, target)
    assert_slot_free(database, target if source == NULL else source)
    return MoveRequest(vm=call.vm, source=source, target=target, task=task, operation=OPERATION)


def _agent(database: Database, vm: str) -> str:
    """The host that moves the disks of a VM that is off: one where the VM could start."""
    for host, _ in database.items("host"):
        if boot_here.has_room(database, vm, host):
            return host
    raise ApiFailure("NO_HOSTS_AVAILABLE", vm)


def assert_slot_free(database: Database, carrier: str) -> None:
    """Raise TOO_MANY_STORAGE_MIGRATES unless the host that sends has fewer than three of them under way."""
    carriers = [
        vm["scheduled_to_be_resident_on"] if vm["resident_on"] == NULL else vm["resident_on"]
        for _, vm in database.items("VM")
        if OPERATION in vm["current_operations"].values()
    ]
    if carriers.count(carrier) >= AT_ONCE:
        raise ApiFailure("TOO_MANY_STORAGE_MIGRATES", str(AT_ONCE))


def drives_to_empty(database: Database, call: MigrateSend) -> Iterator[str]:
    """Iterate over the CD drives whose disc the map does not keep where it is."""
    guest = database.get("VM", call.vm)
    for ref in guest["VBDs"] if guest["power_state"] != "Suspended" else ():
        vbd = database.get("VBD", ref)
        disc = database.find("VDI", vbd["VDI"])
        if vbd["type"] == "CD" and disc is not None and call.vdi_map.get(vbd["VDI"]) != disc["SR"]:
            yield ref


def _carry_out(world: World, move: MoveRequest, call: MigrateSend) -> None:
    database, copies = world.database, list[disks.Copy]()
    bytes_of = sizes(database, call)
    waiting = list(bytes_of)
    copied_last = FIXED_SECONDS + (transfer.memory_seconds(world, move.vm) if move.source != NULL else 0.0)
    seconds = copied_last + sum(bytes_of.values()) / LINK_BYTES_PER_SECOND

    def arrive() -> None:
        # The toolstack may die before all disks are there: then the VM cannot have moved.
        if waiting:
            return
        with database.lock:
            disks.take_over(world, copies)
            if move.source != NULL:
                arrival.arrive(world, move)

    under_way = Transfer(world, move, seconds, arrive)
    try:
        for vdi, size in bytes_of.items():
            assert_copyable(database, database, call, vdi)
            copies.append(disks.begin_copy(world, vdi, call.vdi_map[vdi], call.host))
            under_way.carry(size / LINK_BYTES_PER_SECOND)
            waiting.remove(vdi)
        _assert_rest_there(database, move, bytes_of)
        if move.source != NULL:
            memory.squeeze(world, move.vm, world, move.target)
        under_way.carry(copied_last)
    except (ApiFailure, Cancelled):
        if not world.faults.take("copies-stay", vm=world.uuid("VM", move.vm)):
            disks.discard(world, copies)
        raise
    arrive()


def sizes(database: Database, call: MigrateSend, there: Database | None = None) -> Mapping[str, int]:
    """{VDI: bytes} of the disks to be copied, in XAPI's order: the small first, then the old.

    `there` has the host, if that is in another pool.
    """
    rows = [(ref, database.get("VDI", ref)) for ref, _ in storage_motion.leaving(database, call.vdi_map)]
    wanted = storage_motion.all_disks(database, call, there)
    rows.sort(key=lambda row: (int(row[1]["virtual_size"]), row[1]["snapshot_time"]))
    return {ref: int(vdi["virtual_size"]) for ref, vdi in rows if ref in wanted}


def _assert_rest_there(database: Database, move: MoveRequest, copied: Mapping[str, int]) -> None:
    """A disk that stays where the target does not see or find it stops a running VM, and only now."""
    if move.source == NULL:
        return
    for ref, vdi in discs_of(database, database.get("VM", move.vm)):
        if ref not in copied:
            assert_attached(database, vdi["SR"], move.target)
    assert_present(database, move.vm)
