"""The toolstack of the pool starts anew: tasks are cancelled, sessions end."""

from __future__ import annotations

from typing import Final

from rebalancer.simulator.state import sessions, tasks
from rebalancer.simulator.state.world import World

SURVIVORS: Final = {"moved": 0.0, "half": 0.5, "stayed": 2.0}
"""From which progress on a migration ends well that is under way when the toolstack restarts."""


def restart(world: World, outcome: str) -> None:
    """Let the toolstack start anew: tasks are cancelled, sessions end, and migrations under way end as they say."""
    with world.database.lock:
        world.survivors = SURVIVORS[outcome]
        world.restarts += 1
        tasks.cancel_all(world)
        sessions.close_all(world)
        note_start(world, world.coordinator)
        world.database.changed.notify_all()


def note_start(world: World, host: str) -> None:
    """Write to the record of a host when its toolstack was started, as it does itself."""
    known = {**world.database.get("host", host)["other_config"], "agent_start_time": f"{world.clock():.0f}."}
    world.database.change("host", host, other_config=known)
