"""Marks that runs leave in a pool: keys beginning with `rebalancer:` in `pool.gui_config` and `VM.other_config`.

XAPI refuses to add a key that is there (MAP_DUPLICATE_KEY), so that adding one is test-and-set: whoever adds it has it.
Everything here may be asked twice. An addition whose answer was lost is settled by reading the key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rebalancer.errors import RefusedByXapi
from rebalancer.inventory import Uuid
from rebalancer.inventory.reading.fields import Fields
from rebalancer.xapi.reading.clocks import parse_clock
from rebalancer.xapi.session import ReadSession
from rebalancer.xapi.translation import understanding

PREFIX: Final = "rebalancer:"
"""How each of our keys begins."""

TAKEN: Final = "MAP_DUPLICATE_KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow:
    """A task among all that a pool has; `call` without `Async.`, `created` by the coordinator's clock."""

    ref: str
    call: str
    pending: bool
    created: datetime


class PoolMarks:
    """The marks of one pool, its tasks, and the clock by which marks are dated.

    Every method may raise `Unreachable`; `send` sends what may just as well be sent twice.
    """

    def __init__(self, session: ReadSession, send: Callable[..., object], ref_of: Callable[[str, Uuid], str]) -> None:
        self._session, self._send, self._ref_of = session, send, ref_of

    def of_pool(self, pool: Uuid) -> Mapping[str, str]:
        """Our keys in the `gui_config` of *pool*."""
        fields = Fields("pool", self._session.record("pool", self._ref_of("pool", pool)))
        with understanding(self._session.url):
            return ours(fields.texts("gui_config"))

    def add_to_pool(self, pool: Uuid, key: str, value: str) -> bool:
        """Whether *key* was added just now; False where the pool has it.

        Raises:
            RefusedByXapi: the user may not.
        """
        return self._add("pool.add_to_gui_config", self._ref_of("pool", pool), key, value)

    def remove_from_pool(self, pool: Uuid, key: str) -> None:
        """Remove *key*, if the pool has it."""
        self._send("pool.remove_from_gui_config", self._ref_of("pool", pool), key)

    def add_to_vm(self, vm: Uuid, key: str, value: str) -> bool:
        """Like `add_to_pool`, in the `other_config` of a VM."""
        return self._add("VM.add_to_other_config", self._ref_of("VM", vm), key, value)

    def remove_from_vm(self, vm: Uuid, key: str) -> None:
        """Remove *key* from a VM, if it has it."""
        self._send("VM.remove_from_other_config", self._ref_of("VM", vm), key)

    def clock(self, pool: Uuid) -> datetime:
        """The time on the clock of the coordinator of *pool*."""
        fields = Fields("pool", self._session.record("pool", self._ref_of("pool", pool)))
        with understanding(self._session.url):
            return parse_clock(self._session.server_time(fields.text("master")))

    def tasks(self) -> tuple[TaskRow, ...]:
        """All tasks that the pool has not forgotten."""
        records = self._session.all_records("task")
        with understanding(self._session.url):
            return tuple(_row(ref, Fields("task", record)) for ref, record in sorted(records.items()))

    def leave_message(self, pool: Uuid, name: str, priority: int, body: str) -> None:
        """Leave a message about *pool*; 1 is the highest priority, 5 the lowest.

        Raises:
            RefusedByXapi: the user may not.
        """
        self._send("message.create", name, str(priority), "Pool", pool, body)

    def _add(self, message: str, *arguments: str) -> bool:
        try:
            self._send(message, *arguments)
        except RefusedByXapi as refused:
            if refused.code != TAKEN:
                raise
            return False
        return True


def ours(entries: Mapping[str, str]) -> dict[str, str]:
    """Those of *entries* that runs have left."""
    return {key: value for key, value in entries.items() if key.startswith(PREFIX)}


def _row(ref: str, fields: Fields) -> TaskRow:
    return TaskRow(
        ref=ref,
        call=fields.text("name_label").removeprefix("Async."),
        pending=fields.text("status") in {"pending", "cancelling"},
        created=parse_clock(str(fields.raw("created"))),
    )
