"""The list of nights: a line each, and what is no line of it tells nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rebalancer.errors import HistoryError
from rebalancer.history.nights import append_night, nights_in, nights_path
from tests.history.made import DAY, PLAN, night_of


def test_nights_come_back_as_they_were(tmp_path: Path) -> None:
    """In their order, a file a month, for their owner alone."""
    first = night_of(PLAN, tmp_path, done=1)
    second = replace(first, began_at=first.began_at + DAY, room=None, words="ä\n\u202e", exit_code=5)
    for night in (first, second):
        append_night(night, tmp_path)
    path = nights_path(first, tmp_path)
    assert nights_in(path) == (first, second)
    assert path.name == "2026-03.jsonl"
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", "rebalancer-night/2"),
        ("began_at", "2026-03-01T00:00:00"),
        ("began_at", "9999-12-31T23:59:59+00:00"),
        ("steps", 1 << 62),
        ("steps", -1),
        ("done", True),
        ("exit_code", "0"),
        ("room", [1]),
        ("room", {"capacity_pcpus": "x"}),
    ],
)
def test_a_line_that_is_none_tells_nothing(tmp_path: Path, key: str, value: Any) -> None:  # noqa: ANN401 - of JSON
    """And hides no other."""
    night = night_of(PLAN, tmp_path, done=1)
    append_night(night, tmp_path)
    path = nights_path(night, tmp_path)
    line = json.loads(path.read_text())
    with path.open("a") as file:
        file.write(json.dumps(line | {key: value}) + "\n[]\n\n{")
    append_night(night, tmp_path)
    assert nights_in(path) == (night,)


def test_a_folder_that_others_may_write_is_refused(tmp_path: Path) -> None:
    """They could tell what never was."""
    (tmp_path / "nights").mkdir()
    (tmp_path / "nights").chmod(0o777)
    with pytest.raises(Exception, match="everybody may write to it"):
        append_night(night_of(PLAN, tmp_path, done=1), tmp_path)


def test_a_disk_that_refuses_is_one_sentence(tmp_path: Path) -> None:
    """As where a folder has the name of the file."""
    night = night_of(PLAN, tmp_path, done=1)
    nights_path(night, tmp_path).mkdir(parents=True, mode=0o700)
    with pytest.raises(HistoryError, match="the night cannot be noted"):
        append_night(night, tmp_path)
