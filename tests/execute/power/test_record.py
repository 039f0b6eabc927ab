"""The record of hosts that sleep outlives a write that was torn."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from rebalancer.execute import HostNote, HostStage, PowerRecord

NOTE = HostNote(at=datetime(2026, 1, 5, 22, tzinfo=UTC), host="h1", stage=HostStage.PLANNED, words="by plan 1")


@pytest.mark.parametrize("kept", range(0, 180, 12))
def test_a_torn_first_write_is_begun_anew(tmp_path: Path, kept: int) -> None:
    """However much of header and note came through: the next note makes a record that can be read."""
    record = PowerRecord.of("p1", tmp_path)
    record.note(NOTE)
    whole = record.path.read_bytes()
    record.path.write_bytes(whole[: min(kept, len(whole) - 1)])
    record.note(NOTE)
    assert record.path.read_bytes() == whole
    assert record.notes() == (NOTE,)
