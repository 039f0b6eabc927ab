"""The plan folder: all files or none, and nothing else is touched."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from rebalancer.errors import PlanFileError
from rebalancer.export import FILES, manifest, read_plan, write_plan
from rebalancer.plan import sealed
from tests.planner.busy import PLAN

OTHER = sealed(replace(PLAN, summary="another"))


def test_all_files_are_there_and_nothing_else(tmp_path: Path) -> None:
    """The five that FILES names; the script may be run; nothing is left beside the folder."""
    paths = write_plan(PLAN, tmp_path / "deep" / "plan")
    assert [path.name for path in paths] == list(FILES)
    assert sorted(path.name for path in (tmp_path / "deep" / "plan").iterdir()) == sorted(FILES)
    assert os.access(tmp_path / "deep" / "plan" / "run.sh", os.X_OK)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["plan"]


def test_an_older_plan_gives_way(tmp_path: Path) -> None:
    """Writing to the folder of a plan replaces it whole."""
    write_plan(PLAN, tmp_path / "plan")
    write_plan(OTHER, tmp_path / "plan")
    assert read_plan(tmp_path / "plan") == OTHER
    assert [path.name for path in tmp_path.iterdir()] == ["plan"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    """A folder that somebody made for the plan."""
    (tmp_path / "plan").mkdir()
    write_plan(PLAN, tmp_path / "plan")
    assert read_plan(tmp_path / "plan") == PLAN


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    """A journal, or somebody's home: nothing in it changes."""
    (tmp_path / "journal.jsonl").write_text("x")
    with pytest.raises(PlanFileError, match=r"holds other files, such as 'journal.jsonl'. Name a new folder"):
        write_plan(PLAN, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["journal.jsonl"]


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    """A plan is a folder."""
    (tmp_path / "plan").write_text("x")
    with pytest.raises(PlanFileError, match="it is a file"):
        write_plan(PLAN, tmp_path / "plan")
    with pytest.raises(PlanFileError, match="cannot be written"):
        write_plan(PLAN, tmp_path / "plan" / "below")


def test_a_full_disk_leaves_the_older_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If writing fails half-way, the folder is as it was, and nothing lies about."""
    write_plan(PLAN, tmp_path / "plan")

    def fail(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(manifest.WRITERS, "run.sh", fail)
    with pytest.raises(PlanFileError, match="No space left on device"):
        write_plan(OTHER, tmp_path / "plan")
    assert read_plan(tmp_path / "plan") == PLAN
    assert [path.name for path in tmp_path.iterdir()] == ["plan"]
