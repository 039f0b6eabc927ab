"""Calls of the classes session and task."""

from __future__ import annotations

from rebalancer.simulator.calls.context import Context, Table
from rebalancer.simulator.state import sessions, tasks


def login(context: Context, user: str, password: str, version: str = "", originator: str = "") -> str:
    """Open a session; the version is ignored, as XAPI does."""
    del version
    return sessions.log_in(context.world, user, password, originator)


def logout(context: Context) -> None:
    """Close the caller's session."""
    sessions.close(context.world, context.session)


def cancel(context: Context, task: str) -> None:
    """Ask for a task to be cancelled."""
    tasks.ask_to_cancel(context.world, task)


def destroy(context: Context, task: str) -> None:
    """Remove the record of a task."""
    context.world.database.remove("task", task)


CALLS: Table = {
    "session.login_with_password": login,
    "session.logout": logout,
    "task.cancel": cancel,
    "task.destroy": destroy,
}
