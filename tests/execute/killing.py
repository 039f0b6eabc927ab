"""Runs that are killed at one of their calls, or before or after a line of their journal."""

from __future__ import annotations

import pytest

from rebalancer.execute.journal.entries import Entry
from rebalancer.execute.journal.journal import Journal
from tests.execute.watchful import WatchfulPool


class Killed(BaseException):
    """What `kill -9` is to a process: nobody catches it."""


def kill_at(point: int, live: WatchfulPool, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let the run die at its *point*-th call or line of the journal, before or after it is written; counts them.

    A dead process calls nothing and writes nothing any more, whatever it would have tidied up.
    """
    seen = [0]
    append = Journal.append

    def die(*_: object) -> None:
        seen[0] += 1
        if 0 < point <= seen[0]:
            raise Killed

    def write(self: Journal, entry: Entry) -> None:
        die()
        append(self, entry)
        die()

    monkeypatch.setattr(Journal, "append", write)
    live.before_each = die
    return seen
