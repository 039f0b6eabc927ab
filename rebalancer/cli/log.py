"""The lines of standard error: for people, for files, for programs, or for systemd's journal."""

from __future__ import annotations

import json
import os
import sys
import traceback
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from io import UnsupportedOperation
from typing import Final

from rebalancer.sanitise import one_line

STREAM: Final = "JOURNAL_STREAM"
"""Device and inode of what systemd reads, where standard error is that."""


class LogPriority(IntEnum):
    """How much a line matters: priorities of syslog, which systemd reads in front of a line as `<4>`."""

    ERROR = 3
    WARNING = 4
    INFO = 6


class LogFormat(StrEnum):
    """How lines look."""

    PLAIN = "plain"
    TEXT = "text"
    JSON = "json"
    JOURNAL = "journal"


chosen: list[LogFormat] = []
"""What the command line says; empty where it says nothing."""


def choose(form: LogFormat) -> None:
    """Let lines look like *form* from now on."""
    chosen[:] = [form]


def form_now() -> LogFormat:
    """How lines look: as chosen, else as systemd's journal reads them where that listens, else plain."""
    if chosen:
        return chosen[0]
    return LogFormat.JOURNAL if _goes_to_journal() else LogFormat.PLAIN


def line(words: object, level: LogPriority = LogPriority.INFO, **facts: object) -> str:
    """*words* as one line; *facts* are told to programs beside them."""
    plain, form = one_line(str(words)), form_now()
    if form is LogFormat.PLAIN:
        return plain
    if form is LogFormat.JOURNAL:
        return f"<{int(level)}>{plain}"
    now = datetime.now(UTC)
    if form is LogFormat.TEXT:
        return f"{now:%Y-%m-%dT%H:%M:%SZ} {level.name:<7} {plain}"
    at = f"{now.isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"
    return json.dumps({"time": at, "level": level.name.lower(), "message": plain, **facts})


def print_traceback() -> None:
    """Show where the error comes from that is being handled, to whoever asks for it."""
    if os.environ.get("REBALANCER_DEBUG"):
        traceback.print_exc()


def _goes_to_journal() -> bool:
    device, _, inode = os.environ.get(STREAM, "").partition(":")
    try:
        found = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError, UnsupportedOperation):
        return False
    return (str(found.st_dev), str(found.st_ino)) == (device, inode)
