"""The list of nights: a line each, appended when a night is over, whichever way it ended.

JSON lines in the state folder, `nights/2026-11.jsonl`, one file a month. A torn line tells nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rebalancer.errors import HistoryError
from rebalancer.execute import make_state_folder, state_folder
from rebalancer.files.documents import Unfit, json_in
from rebalancer.files.kinds import NIGHTS
from rebalancer.files.reading import bytes_of
from rebalancer.files.writing import add_line
from rebalancer.inventory import Uuid
from rebalancer.sanitise import one_line
from rebalancer.units import is_likely, is_time_zone

FORMAT = "rebalancer-night/1"
MOST = 1 << 60
"""Bytes of memory that no pool has, and more than there is of anything else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadRoom:
    """How much of a pool is in use: pCPUs in its busiest hour, and bytes of its guests, of all that plans count on."""

    capacity_pcpus: float
    busiest_pcpus: float
    memory_total_bytes: int
    memory_used_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NightRecord:
    """A night that is over.

    Args:
        policy: name of the policy file.
        pool: uuid of the pool; "" where it never answered.
        pool_name: its name.
        began_at: when the night began.
        ended_at: when it ended.
        exit_code: with which exit code.
        verdict: how, in lower case with underscores: that of a night, or the error that ended it.
        words: the same in a sentence.
        plan: the digest of its plan; "" where there is none.
        folder: where the plan was written; "" likewise.
        steps: of the plan.
        done: of these.
        room: how full the pool was; None without metrics.
        timezone: that of its policy; "" where no policy could be read, or nobody kept it.
    """

    policy: str
    pool: Uuid
    pool_name: str
    began_at: datetime
    ended_at: datetime
    exit_code: int
    verdict: str
    words: str = ""
    plan: str = ""
    folder: str = ""
    steps: int = 0
    done: int = 0
    room: HeadRoom | None = None
    timezone: str = ""


def nights_path(night: NightRecord, state_dir: Path | None = None) -> Path:
    """The file that *night* stands in."""
    return state_folder(state_dir) / "nights" / f"{night.began_at:%Y-%m}.jsonl"


def append_night(night: NightRecord, state_dir: Path | None = None) -> None:
    """Write *night* to the list, through to the disk.

    Raises:
        HistoryError: the state folder does not take it.
    """
    path = nights_path(night, state_dir)
    line = json.dumps({"format": FORMAT, **asdict(night)}, default=datetime.isoformat).encode() + b"\n"
    try:
        make_state_folder(path.parent)
        add_line(path, line)
    except OSError as error:
        raise HistoryError(
            str(path), f"the night cannot be noted: {error.strerror}", "Make room, or let its user write there"
        ) from error


def last_timezone(state_dir: Path | None = None) -> str:
    """The time zone of the latest night of the list whose policy had one; UTC where there is none."""
    for path in sorted((state_folder(state_dir) / "nights").glob("*.jsonl"), reverse=True):
        with suppress(HistoryError):
            for night in sorted(nights_in(path), key=lambda each: each.ended_at, reverse=True):
                if night.timezone:
                    return night.timezone
    return "UTC"


def nights_in(path: Path) -> tuple[NightRecord, ...]:
    """The nights in a file of the list.

    Raises:
        HistoryError: it cannot be read.
    """
    lines = bytes_of(path, NIGHTS).split(b"\n")
    found = (_night(line) for line in lines if line)
    return tuple(each for each in found if each)


def _night(line: bytes) -> NightRecord | None:
    try:
        raw = json_in(line, NIGHTS)
        return _told(raw) if raw["format"] == FORMAT else None
    except (Unfit, ValueError, KeyError, TypeError, AttributeError):
        return None


def _told(raw: Mapping[str, Any]) -> NightRecord:
    return NightRecord(
        policy=str(raw["policy"]),
        pool=one_line(str(raw["pool"])),
        pool_name=str(raw["pool_name"]),
        began_at=_moment(raw["began_at"]),
        ended_at=_moment(raw["ended_at"]),
        exit_code=_count(raw["exit_code"]),
        verdict=one_line(str(raw["verdict"])),
        words=str(raw["words"]),
        plan=one_line(str(raw["plan"])),
        folder=str(raw["folder"]),
        steps=_count(raw["steps"]),
        done=_count(raw["done"]),
        room=_room(raw["room"]) if raw["room"] else None,
        timezone=_zone(raw.get("timezone", "")),
    )


def _room(raw: Mapping[str, Any]) -> HeadRoom:
    return HeadRoom(
        capacity_pcpus=float(raw["capacity_pcpus"]),
        busiest_pcpus=float(raw["busiest_pcpus"]),
        memory_total_bytes=_count(raw["memory_total_bytes"]),
        memory_used_bytes=_count(raw["memory_used_bytes"]),
    )


def _zone(name: object) -> str:
    """*name*, if it is that of a time zone."""
    return str(name) if is_time_zone(str(name)) else ""


def _count(value: object) -> int:
    """A whole number that databases hold."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST:
        raise ValueError(value)
    return value


def _moment(text: object) -> datetime:
    moment = datetime.fromisoformat(str(text))
    if moment.utcoffset() is None or not is_likely(moment):
        raise ValueError(text)
    return moment
