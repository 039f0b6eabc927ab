"""Who may call: sessions as records of the class session."""

from __future__ import annotations

from uuid import uuid4

from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.schema import blank
from rebalancer.simulator.state.world import World, stamp


def log_in(world: World, user: str, password: str, originator: str) -> str:
    """Open a session for whoever knows the password, and return its ref."""
    assert_password(world, user, password)
    return opened(world, user, originator)


def opened(world: World, user: str, originator: str) -> str:
    """Open a session for a user who is known already, and return its ref."""
    now = stamp(world.clock())
    record = blank("session") | {
        "uuid": str(uuid4()),
        "this_host": world.coordinator,
        "last_active": now,
        "validation_time": now,
        "is_local_superuser": True,
        "auth_user_name": user,
        "originator": originator,
    }
    return world.database.add("session", record)


def assert_password(world: World, user: str, password: str) -> None:
    """Raise SESSION_AUTHENTICATION_FAILED [user, text] after a pause unless this is the one login."""
    if (user, password) != (world.user, world.password):
        world.stopping.wait(world.login_delay)
        raise ApiFailure("SESSION_AUTHENTICATION_FAILED", user, "Authentication failure")


def assert_open(world: World, ref: str) -> None:
    """Raise SESSION_INVALID [ref] unless the session is open."""
    if world.database.find("session", ref) is None:
        raise ApiFailure("SESSION_INVALID", ref)


def close_all(world: World) -> None:
    """Close every session, as a restart of the toolstack does."""
    for ref, _ in world.database.items("session"):
        world.database.remove("session", ref)
