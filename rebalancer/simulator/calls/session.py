"""Calls about calling: sessions, and, as no XAPI has it, the faults that a test in another process wants."""

from __future__ import annotations

from rebalancer.simulator.calls.context import Context, Table
from rebalancer.simulator.state import sessions
from rebalancer.simulator.state.failure import ApiFailure


def login(context: Context, user: str, password: str, version: str = "", originator: str = "") -> str:
    """Open a session; the version is ignored, as XAPI does."""
    del version
    return sessions.log_in(context.world, user, password, originator)


def inject(context: Context, kind: str, settings: dict[str, str]) -> None:
    """Add a fault (see `rebalancer.simulator.state.faults.KINDS`): simulator.inject(session, kind, {name: text})."""
    numbers = {name: int(settings.pop(name)) for name in ("times", "skip") if name in settings}
    subject = {name: settings.pop(name) for name in ("vm", "host", "method") if name in settings}
    try:
        context.world.faults.add(kind, **numbers, **subject, **settings)  # type: ignore[arg-type]
    except ValueError as error:
        raise ApiFailure("INTERNAL_ERROR", str(error)) from error


def logout_subject(context: Context, identifier: str) -> None:
    """End all sessions of a subject."""
    for ref in sessions.of_subjects(context.world).get(identifier, []):
        context.world.database.remove("session", ref)


# The types of the calls that the data model does not know.
TYPES: dict[str, tuple[tuple[str, ...], str]] = {
    "simulator.inject": (("session ref", "string", "(string -> string) map"), "void"),
    "simulator.clear": (("session ref",), "void"),
}
CALLS: Table = {
    "session.login_with_password": login,
    "session.logout": lambda context: context.world.database.remove("session", context.session),
    "session.get_all_subject_identifiers": lambda context: sorted(sessions.of_subjects(context.world)),
    "session.logout_subject_identifier": logout_subject,
    "simulator.inject": inject,
    "simulator.clear": lambda context: context.world.faults.clear(),
}
