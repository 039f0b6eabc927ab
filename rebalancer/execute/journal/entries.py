"""What a journal tells, an entry a line: what was about to happen, and what the pool showed afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from rebalancer.execute.journal.outcome import StepState
from rebalancer.files.documents import json_in
from rebalancer.files.kinds import JOURNAL
from rebalancer.inventory import Uuid
from rebalancer.units import is_likely

FORMAT = "rebalancer-journal/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBegan:
    """A run of the plan with digest `plan` begins on `pool`; `differences` are those that leave the plan legal.

    `run` is the id by which the pool knows it: the same for all runs that one journal tells of.
    """

    at: datetime
    plan: str
    pool: Uuid
    differences: tuple[str, ...] = ()
    run: str = ""
    format: str = FORMAT


@dataclass(frozen=True, slots=True, kw_only=True)
class Intended:
    """The call for `step` is about to be sent; its bytes take `wire_seconds` on the wire, 0 where that is not known.

    `marked` tells whether the VM is marked before the call leaves; `toolstacks` are those that it concerns.
    """

    at: datetime
    step: str
    vm: Uuid
    source: Uuid
    target: Uuid
    wire_seconds: float = 0.0
    marked: bool = False
    toolstacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """XAPI has accepted the call for `step`."""

    at: datetime
    step: str
    task: str


AS_ASKED = "it was cancelled, as somebody asked"
"""The words of a look at a VM whose migration was cancelled by whoever carries the plan out."""
AFTERWARDS = "the run was killed, and the VM had arrived when the pool was read next"
"""The words of a look that no run took: nobody knows when the VM arrived."""
NOT_ARRIVED = "nobody watching: the run had ended, and the VM was where it had been when the pool was read next"
"""The words of a look that no run took: nobody knows when the migration failed, nor with what."""
SEEN_LATER = frozenset({AFTERWARDS, NOT_ARRIVED})
"""The words of looks that no run took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What the pool showed after `step` of `vm`, "" in old journals; `error` is XAPI's code with its parameters."""

    at: datetime
    step: str
    state: StepState
    power_state: str | None
    resident_on: Uuid | None
    error: tuple[str, ...] = ()
    words: str = ""
    vm: Uuid = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """Something was not as it should be after `step`, "" for no single one; nothing was done about it."""

    at: datetime
    step: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """The run has ended of its own accord, for the reason in `words`."""

    at: datetime
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What became of `step`, as somebody says who looked, because the pool did not tell."""

    at: datetime
    step: str
    state: StepState
    by: str
    reason: str


Entry = RunBegan | Intended | Sent | Looked | Resolved | Noticed | RunEnded

KINDS: dict[str, type[Entry]] = {
    "run-began": RunBegan,
    "intended": Intended,
    "sent": Sent,
    "looked": Looked,
    "resolved": Resolved,
    "noticed": Noticed,
    "run-ended": RunEnded,
}
EVENTS = {kind: event for event, kind in KINDS.items()}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _moment(value: object) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.utcoffset() != timedelta(0) or not is_likely(moment):
        raise ValueError(value)
    return moment


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < YEAR:
        raise ValueError(value)
    return float(value)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError(value)
    return tuple(map(_text, value))


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


YEAR = 365 * 24 * 3600
"""Seconds: nothing is on the wire for longer."""
_READ: dict[str, Callable[[object], object]] = {
    "at": _moment,
    "state": lambda value: StepState(_text(value)),
    "error": _texts,
    "differences": _texts,
    "wire_seconds": _seconds,
    "marked": _boolean,
    "toolstacks": _texts,
    "power_state": _text_or_none,
    "resident_on": _text_or_none,
}


def line_of(entry: Entry) -> bytes:
    """*entry* as its line of the journal."""
    return json.dumps({"event": EVENTS[type(entry)], **asdict(entry)}, default=datetime.isoformat).encode() + b"\n"


def entry_of(line: bytes) -> Entry:
    """The entry that a line of a journal is; a line that is none raises whatever built-in error says so."""
    raw = json_in(line, JOURNAL)
    kind = KINDS[raw.pop("event")]
    facts: dict[str, Any] = {name: _READ.get(name, _text)(each) for name, each in raw.items()}
    return kind(**facts)
