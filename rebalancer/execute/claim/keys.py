"""Our keys in the `gui_config` of one pool, as a run asks for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol, TypeVar

from rebalancer.execute.live import Marks
from rebalancer.inventory import Uuid

LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)

Answer = TypeVar("Answer")


class Asking(Protocol):
    """How a question is asked that changes nothing, or may be asked twice."""

    def __call__(self, question: Callable[[], Answer], /) -> Answer:
        """The answer to *question*."""


def at_once(question: Callable[[], Answer], /) -> Answer:
    """Ask once: an answer that comes after a silence would be too late."""
    return question()


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolKeys:
    """Our keys in *pool*; `ask` says how patiently."""

    pool: Uuid
    marks: Marks
    ask: Asking

    def now(self) -> datetime:
        """The time on the coordinator's clock."""
        return self.ask(lambda: self.marks.clock(self.pool))

    def read(self) -> Mapping[str, str]:
        """All of them."""
        return self.ask(lambda: self.marks.of_pool(self.pool))

    def add(self, key: str, value: str) -> bool:
        """Whether *key* is there with our *value*, added now or by a call whose answer was lost."""
        added = self.ask(lambda: self.marks.add_to_pool(self.pool, key, value))
        return added or self.read().get(key) == value

    def remove(self, key: str) -> None:
        """Remove *key*, if it is there."""
        self.ask(lambda: self.marks.remove_from_pool(self.pool, key))


def field_of(text: str, name: str) -> str:
    """A field of a value in JSON; "" where it has none, or is something else."""
    try:
        return str(json.loads(text)[name])
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""


def moment_of(text: str) -> datetime:
    """A time in ISO 8601; long ago, where it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return LONG_AGO
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
