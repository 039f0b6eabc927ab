"""VM.pool_migrate: waiting, reservation, transfer, arrival."""

from __future__ import annotations

from collections.abc import Mapping

from rebalancer.simulator.checks import migration, vm_operations
from rebalancer.simulator.checks.copies import assert_present, is_attached
from rebalancer.simulator.migration import arrival, memory, transfer
from rebalancer.simulator.migration.transfer import FIXED_SECONDS, MoveRequest, Transfer
from rebalancer.simulator.state import tasks
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.world import World

NOT_ATTACHED = "Xenops_interface.Xenopsd_error([S(Storage_error);[S(Sr_not_attached)]])"


def pool_migrate(world: World, task: str, vm: str, host: str, options: Mapping[str, str]) -> None:
    """Move a running VM to another host of the pool, or raise what XAPI raises; returns when the VM is there.

    Raises:
        ApiFailure: refused, or failed on the way; the VM is where it was, or halted.
        Cancelled: the task was cancelled.
        ConnectionLost: the toolstack restarted meanwhile.
    """
    database = world.database
    with database.lock:
        database.get("host", host)
        tasks.wait_while(
            world,
            task,
            lambda: migration.must_wait(database, vm, host, options),
            lambda: vm_operations.assert_free(database, vm),
        )
        migration.assert_may_start(database, vm, host, options)
        source = database.get("VM", vm)["resident_on"]
        move = MoveRequest(vm=vm, source=source, target=host, task=task, operation=migration.OPERATION)
        allowed = transfer.reserve(world, move)
    try:
        seconds = FIXED_SECONDS + transfer.memory_seconds(world, vm)
        memory.squeeze(world, vm, world, host)
        Transfer(world, move, seconds, lambda: arrival.arrive(world, move)).carry(seconds)
        with database.lock:
            assert_present(database, vm)
            if not is_attached(database, vm, host):
                raise ApiFailure("VM_MIGRATE_FAILED", vm, source, host, NOT_ATTACHED)
            arrival.arrive(world, move)
    finally:
        transfer.release(world, move, allowed)
    arrival.announce(world, move)
    arrival.aftermath(world, move)
