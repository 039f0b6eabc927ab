"""Waiting for a VM that is busy: the second operation neither fails nor starts, it queues (XAPI.md 4.4)."""

from __future__ import annotations

from collections.abc import Callable

from rebalancer.simulator.state import tasks
from rebalancer.simulator.state.failure import Cancelled, ConnectionLost
from rebalancer.simulator.state.world import World

LOOK_AGAIN_SECONDS = 0.2


def wait_while(world: World, task: str, is_busy: Callable[[], bool]) -> None:
    """Wait, with the database's lock held by the caller, until nothing else is under way.

    Args:
        world: the pool.
        task: the waiting task; a wish to cancel it is seen only at the end, as in XAPI.
        is_busy: whether to wait on; raises what refuses the operation before any waiting.

    Raises:
        Cancelled: the task was to be cancelled meanwhile.
        ConnectionLost: the toolstack restarted or the simulator stops.
    """
    restarts = world.restarts
    while is_busy():
        world.database.changed.wait(LOOK_AGAIN_SECONDS)
        if world.stopping.is_set() or world.restarts != restarts:
            raise ConnectionLost
    if tasks.asked_to_cancel(world, task):
        raise Cancelled
