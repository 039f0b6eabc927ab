"""Calls about calling: sessions, and, as no XAPI has it, the faults that a test in another process wants."""

from __future__ import annotations

from rebalancer.simulator.calls.context import Context, Table
from rebalancer.simulator.state import sessions
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.fault import fault_of


def login(context: Context, user: str, password: str, version: str = "", originator: str = "") -> str:
    """Open a session; the version is ignored, as XAPI does."""
    del version
    return sessions.log_in(context.world, user, password, originator)


def inject(context: Context, kind: str, settings: dict[str, str]) -> None:
    """Add a fault, one of `rebalancer.simulator.FAULTS`: simulator.inject(session, kind, {name: text})."""
    try:
        context.world.faults.want(fault_of(kind, settings))
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
