"""The marks of two pools, behind the same door as those of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, TypeVar

from rebalancer.errors import RefusedByXapi
from rebalancer.inventory import Uuid
from rebalancer.xapi.marks import PoolMarks, TaskRow

UNKNOWN: Final = frozenset({"UUID_INVALID", "HANDLE_INVALID"})
"""Codes with which XAPI says that it does not have an object."""

Answer = TypeVar("Answer")


class PairMarks:
    """As `PoolMarks`; each object is looked for in both pools."""

    def __init__(self, *sides: PoolMarks) -> None:
        self._sides = sides

    def of_pool(self, pool: Uuid) -> Mapping[str, str]:
        """As `PoolMarks` does it."""
        return self._answers(lambda side: side.of_pool(pool))[0]

    def add_to_pool(self, pool: Uuid, key: str, value: str) -> bool:
        """As `PoolMarks` does it."""
        return self._answers(lambda side: side.add_to_pool(pool, key, value))[0]

    def remove_from_pool(self, pool: Uuid, key: str) -> None:
        """As `PoolMarks` does it."""
        self._answers(lambda side: side.remove_from_pool(pool, key))

    def add_to_vm(self, vm: Uuid, key: str, value: str) -> bool:
        """As `PoolMarks` does it, in each pool that knows the VM."""
        return all(self._answers(lambda side: side.add_to_vm(vm, key, value)))

    def remove_from_vm(self, vm: Uuid, key: str) -> None:
        """As `PoolMarks` does it, in each pool that knows the VM: a mark goes with its VM to another pool."""
        self._answers(lambda side: side.remove_from_vm(vm, key))

    def clock(self, pool: Uuid) -> datetime:
        """As `PoolMarks` does it."""
        return self._answers(lambda side: side.clock(pool))[0]

    def tasks(self) -> tuple[TaskRow, ...]:
        """The tasks of both pools."""
        return tuple(task for side in self._sides for task in side.tasks())

    def _answers(self, question: Callable[[PoolMarks], Answer]) -> list[Answer]:
        """What each side answers that knows the object; a `RefusedByXapi` where neither does."""
        found, refused = [], None
        for side in self._sides:
            try:
                found.append(question(side))
            except RefusedByXapi as error:
                if error.code not in UNKNOWN:
                    raise
                refused = error
        if refused is not None and not found:
            raise refused
        return found
