"""The marks of a pool in memory: adding one that is there is refused, as XAPI does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from rebalancer.inventory import Pool
from rebalancer.xapi import TaskRow


class Owner(Protocol):
    """The pool in memory."""

    pool: Pool
    before_each: Callable[[str], None]

    def task_rows(self) -> list[TaskRow]:
        """The migrations that it was sent."""

    def change(self, vm: str, **changes: Any) -> None:  # noqa: ANN401 - any field of a VM
        """Change a VM."""


class ScriptedMarks:
    """Keys of the pool and of its VMs, the tasks that it shows, and the time on its clock."""

    def __init__(self, owner: Owner) -> None:
        self.owner = owner
        self.keys: dict[str, str] = {}
        self.told: list[TaskRow] = []
        self.time = datetime(2026, 3, 1, 1, 30, tzinfo=UTC)
        self.refused: Exception | None = None

    def of_pool(self, pool: str) -> Mapping[str, str]:  # noqa: ARG002 - the interface's
        """As they are."""
        self.owner.before_each("of_pool")
        return dict(self.keys)

    def add_to_pool(self, pool: str, key: str, value: str) -> bool:  # noqa: ARG002 - the interface's
        """Whether it was not there."""
        self.owner.before_each("add_to_pool")
        if self.refused:
            raise self.refused
        if key in self.keys:
            return False
        self.keys[key] = value
        return True

    def remove_from_pool(self, pool: str, key: str) -> None:  # noqa: ARG002 - the interface's
        """It is gone."""
        self.owner.before_each("remove_from_pool")
        self.keys.pop(key, None)

    def add_to_vm(self, vm: str, key: str, value: str) -> bool:
        """Whether it was not there."""
        self.owner.before_each("add_to_vm")
        before = self.owner.pool.vms[vm].other_config
        if key not in before:
            self.owner.change(vm, other_config={**before, key: value})
        return key not in before

    def remove_from_vm(self, vm: str, key: str) -> None:
        """It is gone."""
        self.owner.before_each("remove_from_vm")
        before = self.owner.pool.vms[vm].other_config
        self.owner.change(vm, other_config={name: value for name, value in before.items() if name != key})

    def clock(self, pool: str) -> datetime:  # noqa: ARG002 - the interface's
        """The time."""
        self.owner.before_each("clock")
        return self.time

    def tasks(self) -> tuple[TaskRow, ...]:
        """What it was told to show, and the migrations that it was sent."""
        self.owner.before_each("tasks")
        return (*self.told, *self.owner.task_rows())
