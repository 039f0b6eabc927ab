"""Calls of the classes session and task."""

from __future__ import annotations

from rebalancer.simulator.calls.request import Request, Table
from rebalancer.simulator.state import sessions, tasks


def login(request: Request, user: str, password: str, version: str = "", originator: str = "") -> str:
    """Open a session; the version is ignored, as XAPI does."""
    del version
    return sessions.log_in(request.world, user, password, originator)


def logout(request: Request) -> None:
    """Close the caller's session."""
    sessions.close(request.world, request.session)


def cancel(request: Request, task: str) -> None:
    """Ask for a task to be cancelled."""
    tasks.ask_to_cancel(request.world, task)


def destroy(request: Request, task: str) -> None:
    """Forget a task."""
    request.world.database.remove("task", task)


CALLS: Table = {
    "session.login_with_password": login,
    "session.logout": logout,
    "task.cancel": cancel,
    "task.destroy": destroy,
}
