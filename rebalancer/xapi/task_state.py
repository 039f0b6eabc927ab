"""How a task stands, as its record says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rebalancer.inventory.reading.fields import Fields
from rebalancer.xapi.values import TaskState, TaskStatus

VANISHED: Final = TaskState(status=TaskStatus.VANISHED, progress=0.0, error=())


def task_state(fields: Fields, told: Callable[[object], str]) -> TaskState:
    """The state in a task's record; words of its error are *told* in the names of what they refer to."""
    return TaskState(
        status=_status(fields.text("status")),
        progress=fields.number("progress", 0.0),
        error=tuple(map(told, fields.members("error_info"))),
    )


def _status(text: str) -> TaskStatus:
    """The status of a task that exists; `cancelling` has not ended yet."""
    ended = {TaskStatus.SUCCESS, TaskStatus.FAILURE, TaskStatus.CANCELLED}
    return TaskStatus(text) if text in ended else TaskStatus.PENDING
