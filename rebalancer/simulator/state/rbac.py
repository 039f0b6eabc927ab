"""Whether a session may make a call (rbac.ml): the local root may all, others what the roles of their subject have."""

from __future__ import annotations

from rebalancer.simulator.state import roles
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.world import World

# Calls about a task that everybody may make about their own, and only some about those of others.
OF_TASKS = {
    f"task.{name}"
    for name in (
        *("cancel", "destroy", "set_status", "set_progress", "set_result", "set_error_info"),
        *("set_other_config", "add_to_other_config", "remove_from_other_config"),
    )
}
TASKS_OF_OTHERS = "task.destroy/any"


def assert_may(world: World, session_ref: str, name: str, subject: str) -> None:
    """Raise RBAC_PERMISSION_DENIED [permission, words] unless a session may call *name* about *subject*, a ref."""
    session = world.database.get("session", session_ref)
    if session["is_local_superuser"]:
        return
    permission = name.lower()
    _assert_has(session["rbac_permissions"], permission)
    if name in OF_TASKS and world.owners.get(subject) != session["auth_user_sid"]:
        _assert_has(session["rbac_permissions"], TASKS_OF_OTHERS)


def _assert_has(held: list[str], permission: str) -> None:
    if permission in roles.holders() and permission not in held:
        allowed = ", ".join(roles.holders()[permission])
        words = f"No permission in user session. (Roles with this permission: {allowed})"
        raise ApiFailure("RBAC_PERMISSION_DENIED", permission, words)
