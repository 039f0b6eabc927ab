"""Who may call: sessions as records of the class session."""

from __future__ import annotations

from uuid import uuid4

from rebalancer.simulator.state import roles
from rebalancer.simulator.state.database import Record
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.schema import NULL, blank
from rebalancer.simulator.state.world import World, stamp

# What a session keeps of who opened it.
IDENTITY = ("is_local_superuser", "subject", "auth_user_sid", "rbac_permissions")


def log_in(world: World, user: str, password: str, originator: str) -> str:
    """Open a session for whoever knows the password, and return its ref.

    Raises:
        ApiFailure: see `identity`.
    """
    return _added(world, user, originator, identity(world, user, password))


def opened_by(world: World, session: str) -> str:
    """Open another session for whoever a session is of, and return its ref."""
    record = world.database.get("session", session)
    return _added(world, record["auth_user_name"], "", {name: record[name] for name in IDENTITY})


def identity(world: World, user: str, password: str) -> Record:
    """Who somebody is who logs in: the local root, or a subject of the pool, whose password is the same here.

    A subject goes by `other_config:subject-name`, or by its identifier.

    Raises:
        ApiFailure: SESSION_AUTHENTICATION_FAILED [user, text] after a pause for who is neither, and
            RBAC_PERMISSION_DENIED [call, text] for a subject without roles.
    """
    subject, known = _subject(world, user)
    if password != world.password or (user != world.user and not known):
        world.wait(world.login_delay)
        raise ApiFailure("SESSION_AUTHENTICATION_FAILED", user, "Authentication failure")
    if user == world.user:
        return dict(zip(IDENTITY, (True, NULL, "", []), strict=True))
    identifier = known["subject_identifier"]
    if not (held := roles.names(known["roles"])):
        world.wait(world.login_delay)
        words = f"Subject {user} (identifier {identifier}) has no roles in this pool"
        raise ApiFailure("RBAC_PERMISSION_DENIED", "session.login_with_password", words)
    permissions = sorted({name for role in held for name in roles.permissions(role) or (role,)})
    return dict(zip(IDENTITY, (False, subject, identifier, permissions), strict=True))


def _subject(world: World, user: str) -> tuple[str, Record]:
    for ref, record in world.database.items("subject"):
        if user in {record["other_config"].get("subject-name"), record["subject_identifier"]}:
            return ref, record
    return NULL, {}


def _added(world: World, user: str, originator: str, who: Record) -> str:
    now = stamp(world.clock())
    record = blank("session") | {
        "uuid": str(uuid4()),
        "this_host": world.coordinator,
        "last_active": now,
        "validation_time": now,
        "auth_user_name": user,
        "originator": originator,
    }
    return world.database.add("session", record | who)


def assert_open(world: World, ref: str) -> None:
    """Raise SESSION_INVALID [ref] unless the session is open."""
    if world.database.find("session", ref) is None:
        raise ApiFailure("SESSION_INVALID", ref)


def of_subjects(world: World) -> dict[str, list[str]]:
    """{subject identifier: its sessions}, the local root's left out."""
    found: dict[str, list[str]] = {}
    for ref, record in world.database.items("session"):
        if record["auth_user_sid"]:
            found.setdefault(record["auth_user_sid"], []).append(ref)
    return found


def close_all(world: World) -> None:
    """Close every session, as a restart of the toolstack does."""
    for ref, _ in world.database.items("session"):
        world.database.remove("session", ref)
