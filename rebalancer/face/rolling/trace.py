"""What has happened on the way through all hosts, one line each: on the disk before what it announces is done.

JSON lines, format `rebalancer-rolling-trace/1`. A line counts when its newline is there; a torn last line is one that
nobody has acted upon. Migrations stand in the journals of the plans; here stands what happens between them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from rebalancer.errors import InputError
from rebalancer.files.documents import Unfit, json_in
from rebalancer.files.kinds import JOURNAL
from rebalancer.files.ownership import assert_kept
from rebalancer.files.reading import bytes_from, opened
from rebalancer.files.shapes import value_in
from rebalancer.files.writing import add_line
from rebalancer.inventory import Uuid

FORMAT: Final = "rebalancer-rolling-trace/1"


class Event(StrEnum):
    """What a line tells."""

    BEGAN = "began"
    """The first line: `words` is the format, `digest` that of the itinerary."""
    AGREED = "shutdowns-agreed"
    """Somebody who saw who is shut down said yes; `digest` is that of all stages as they were then."""
    ANEW = "planned-anew"
    """The stage was planned anew: its plan has the `digest`, and stands in the folder of the name in `words`."""
    APPROVED = "approved"
    """Somebody said yes to the plan with the `digest`, at the terminal."""
    STAGE = "stage-began"
    """The plan with the `digest` was proven, and is carried out next."""
    EMPTY = "empty"
    """The host is disabled and empty."""
    AUTO = "auto-power-on"
    """The pool is about to start no VMs by itself; `words` is what stood there."""
    STOPPING = "vm-shutdown"
    """A VM is about to be asked to shut down, each time it is; `words` are its uuid, and its restart priority."""
    FORCING = "vm-hard-shutdown"
    """A VM whose guest does not react is about to be switched off; `words` is its uuid."""
    HALTED = "vm-off"
    """A VM is seen off; `words` is its uuid."""
    OFF = "vms-off"
    """All VMs that cannot leave the host are off."""
    STARTING = "vm-start"
    """A VM is about to be started; `words` is its uuid."""
    RUNS = "vm-runs"
    """A VM that was off is seen running; `words` is its uuid."""
    ON = "vms-on"
    """They run again, and what was turned down for it is as it was."""
    GOING = "going-down"
    """The host is about to be told to go down; it has booted at `boot_time`, by its own record."""
    FAILED = "did-not-go-down"
    """It was told to go down, and surely does not: `words` say why."""
    SENT = "went-down"
    """It was told to, or is seen to have done so."""
    BACK = "back"
    """The host is live, has booted since, and is as it has to be."""
    DONE = "stage-done"
    ENDED = "ended"


OF_VMS: Final = frozenset({Event.STOPPING, Event.FORCING, Event.HALTED, Event.STARTING, Event.RUNS})
"""Lines about one VM, whose uuid is the first of their words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line: `stage` is its number from 1, or 0 for all of them."""

    event: Event
    at: datetime
    stage: int = 0
    host: str = ""
    digest: str = ""
    boot_time: str = ""
    words: str = ""

    @property
    def vm(self) -> Uuid:
        """The VM that the line is about; "" where it is about none."""
        return self.words.partition(" ")[0] if self.event in OF_VMS else ""


@dataclass(slots=True)
class Trace:
    """The trace in the file *path*, of whose whole lines the `entries` are."""

    path: Path
    entries: list[Entry] = field(default_factory=list)

    @classmethod
    def opened(cls, path: Path) -> Trace:
        """That in *path*, to be continued; there may be none yet. What was torn off at its end is removed.

        Raises:
            InputError: the file is no trace, or others may write to it.
        """
        if not path.exists():
            return cls(path)
        with opened(path, JOURNAL) as descriptor:
            assert_kept(os.fstat(descriptor), path, InputError)
            body = bytes_from(descriptor, path, JOURNAL)
        whole = body.rfind(b"\n") + 1
        entries = list(_entries(path, body[:whole]))
        if entries and (entries[0].event, entries[0].words) != (Event.BEGAN, FORMAT):
            raise _no_trace(path, "it does not begin with its format")
        if whole < len(body):
            os.truncate(path, whole)
        return cls(path, entries)

    def append(self, entry: Entry) -> None:
        """Write *entry* and return once it is on the disk.

        Raises:
            InputError: the disk does not take it.
        """
        known = {key: value for key, value in asdict(entry).items() if value}
        line = json.dumps(known | {"at": entry.at.isoformat()}, ensure_ascii=True).encode() + b"\n"
        try:
            add_line(self.path, line)
        except OSError as error:
            problem = f"the trace cannot be written: {error.strerror}"
            raise InputError(str(self.path), problem, "Make the place writable; nothing goes on without it") from error
        self.entries.append(entry)

    def last(self, event: Event, stage: int = 0) -> Entry | None:
        """The last line of that kind about *stage*."""
        return next((each for each in reversed(self.entries) if (each.event, each.stage) == (event, stage)), None)

    def last_of(self, stage: int) -> Entry | None:
        """The last line about *stage*."""
        return next((each for each in reversed(self.entries) if each.stage == stage), None)


def _entries(path: Path, body: bytes) -> Iterator[Entry]:
    for number, line in enumerate(body.splitlines(), start=1):
        try:
            yield value_in(Entry, json_in(line, JOURNAL))
        except Unfit as error:
            raise _no_trace(path, f"line {number}: {error}") from None


def _no_trace(path: Path, why: str) -> InputError:
    remedy = "Look at the pool, then plan anew with --anew"
    return InputError(str(path), f"it is no trace of the work on all hosts: {why}", remedy)
