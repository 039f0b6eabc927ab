"""What became of the hosts of a pool that were emptied to sleep: JSON lines, format `rebalancer-power/1`.

Lines are only ever added, and each is on the disk before the call leaves that it tells of. A last line without its
newline never happened. Whoever writes holds the lock file of the pool.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import Final, Self

from rebalancer.errors import InputError
from rebalancer.execute.journal.folders import plain_uuid, state_folder
from rebalancer.execute.journal.journal import added_to
from rebalancer.files.kinds import JOURNAL
from rebalancer.files.ownership import assert_kept
from rebalancer.files.reading import bytes_from, opened
from rebalancer.inventory import Uuid

FORMAT: Final = "rebalancer-power/1"


class HostStage(StrEnum):
    """How far a host is on its way to sleep, and back."""

    PLANNED = "planned"
    """A plan that empties it is about to be carried out."""
    EMPTIED = "emptied"
    """It was carried out: from now on the host may be put to sleep."""
    CLOSING = "closing"
    """It is about to be disabled."""
    STOPPING = "stopping"
    """It is about to be switched off."""
    ASLEEP = "asleep"
    """The pool showed it off."""
    STARTING = "starting"
    """It is about to be switched on."""
    AWAKE = "awake"
    """It is back and enabled; it may sleep again as long as nobody has used it since."""
    FREE = "free"
    """Somebody else uses it, or decided about it: it is no longer this record's."""


SLEEPING: Final = frozenset({HostStage.CLOSING, HostStage.STOPPING, HostStage.ASLEEP, HostStage.STARTING})
"""Stages in which a host may be disabled or off because this record's runs did it."""
UNUSED: Final = frozenset({HostStage.EMPTIED, HostStage.AWAKE})
"""Stages in which a host is on, in service, and empty since this record's runs emptied it."""
SLEEPY: Final = UNUSED | {HostStage.CLOSING, HostStage.STOPPING}
"""Stages in which a host that is on may be put to sleep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostNote:
    """A line: the stage of *host* from the moment *at* on, the SRs that it had, and why."""

    at: datetime
    host: Uuid
    stage: HostStage
    srs: tuple[Uuid, ...] = ()
    words: str = ""

    def line(self) -> bytes:
        """The note as it stands in the file."""
        told = {"at": self.at.isoformat(), "host": self.host, "stage": self.stage.value}
        return _line({**told, "srs": list(self.srs), "words": self.words})

    @classmethod
    def of(cls, line: bytes) -> Self:
        """The note in a line that `line` wrote.

        Raises:
            ValueError, KeyError, TypeError: it is none.
        """
        found = json.loads(line)
        return cls(
            at=datetime.fromisoformat(found["at"]),
            host=str(found["host"]),
            stage=HostStage(found["stage"]),
            srs=tuple(map(str, found["srs"])),
            words=str(found["words"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerRecord:
    """The record of a *pool* in its *folder*, beside the plan that is carried out."""

    folder: Path
    pool: Uuid

    @classmethod
    def of(cls, pool: Uuid, state_dir: Path | None = None) -> Self:
        """That of *pool* in a state folder; there may be none yet."""
        return cls(folder=state_folder(state_dir) / "power" / plain_uuid(pool), pool=pool)

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / "hosts.jsonl"

    @property
    def plan(self) -> Path:
        """The folder of the plan that empties hosts, while it is carried out."""
        return self.folder / "plan"

    def note(self, note: HostNote) -> None:
        """Add *note*; it is on the disk once this returns.

        Raises:
            InputError: the file cannot be written.
        """
        head = b"" if self._lines() else _line({"format": FORMAT, "pool": self.pool})
        added_to(self.path, head + note.line())

    def notes(self) -> tuple[HostNote, ...]:
        """All notes, oldest first.

        Raises:
            InputError: the file is no such record, or was edited.
        """
        lines = self._lines()
        try:
            ours = not lines or json.loads(lines[0]) == {"format": FORMAT, "pool": self.pool}
            notes = tuple(HostNote.of(line) for line in lines[1:])
        except (ValueError, KeyError, TypeError) as error:
            raise self._no_record() from error
        if not ours:
            raise self._no_record()
        return notes

    def _lines(self) -> list[bytes]:
        """The whole lines of the file."""
        if not self.path.exists():
            return []
        with opened(self.path, JOURNAL) as descriptor:
            assert_kept(os.fstat(descriptor), self.path, InputError)
            body = bytes_from(descriptor, self.path, JOURNAL)
        return list(BytesIO(body[: body.rfind(b"\n") + 1]))

    def _no_record(self) -> InputError:
        remedy = "Look which hosts are off, switch them on yourself, and move the file away"
        return InputError(str(self.path), "it is no record of hosts that sleep", remedy)

    def latest(self) -> Mapping[Uuid, HostNote]:
        """The last note of each host."""
        return {note.host: note for note in self.notes()}

    def at(self, stages: Collection[HostStage]) -> tuple[Uuid, ...]:
        """The hosts that are at one of *stages* now, in the order in which they were first noted."""
        return tuple(host for host, note in self.latest().items() if note.stage in stages)

    def woken_at(self, host: Uuid) -> datetime | None:
        """When *host* was last woken; None where it never was."""
        moments = [note.at for note in self.notes() if note.host == host and note.stage is HostStage.AWAKE]
        return moments[-1] if moments else None


def _line(values: Mapping[str, object]) -> bytes:
    return (json.dumps(values) + "\n").encode()
