"""Calls of the class task that are more than fields (xapi_task.ml)."""

from __future__ import annotations

from rebalancer.simulator.calls.context import Context, Table
from rebalancer.simulator.state import tasks


def create(context: Context, label: str, description: str) -> str:
    """A pending task: clients make one for each HTTP request, and name it there as task_id, which ends it."""
    return tasks.begin(context.world, label, description=description, session=context.session)


def destroy(context: Context, task: str) -> None:
    """Forget a task that is over; one that is not goes once it is."""
    database = context.world.database
    with database.lock:
        if tasks.is_over(database.get("task", task)):
            database.remove("task", task)
        else:
            current = database.get("task", task)["current_operations"]
            database.change("task", task, current_operations={**current, "task": "destroy"})


CALLS: Table = {
    "task.create": create,
    "task.cancel": lambda context, task: tasks.ask_to_cancel(context.world, task),
    "task.destroy": destroy,
}
