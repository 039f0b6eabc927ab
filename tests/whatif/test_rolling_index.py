"""rolling.json read back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rebalancer.errors import EditedPlan, PlanFileError
from rebalancer.whatif.rolling_folder import INDEX_JSON, write_rolling
from rebalancer.whatif.rolling_index import read_rolling, stage_plan
from tests.storm.rolling.scene import NEWER, small_scene


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A rolling plan of two hosts, written."""
    write_rolling(small_scene(1, NEWER, 2).plans, tmp_path / "stages")
    return tmp_path / "stages"


def test_what_was_written_is_read(folder: Path) -> None:
    """Stages, hosts and plans, by their digests."""
    index, found = read_rolling(folder), small_scene(1, NEWER, 2).plans
    assert [(each.purpose, each.host_uuid, each.plan) for each in index.stages] == [
        (each.purpose, each.host, each.plan.digest) for each in found.stages
    ]
    assert (index.update, index.hosts, index.returns) == (NEWER, found.hosts, found.habit)
    plans = [stage_plan(folder, index, number).digest for number in range(len(index.stages))]
    assert plans == [each.plan.digest for each in found.stages]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda index: index.update(format="rebalancer-rolling/2"), "format"),
        (lambda index: index["folders"].pop(), "one folder for each stage"),
        (lambda index: index["folders"].__setitem__(0, "../elsewhere"), "one folder for each stage"),
        (lambda index: index["stages"][0].pop("host_uuid"), "host_uuid is missing"),
    ],
)
def test_what_is_no_index_is_refused(folder: Path, change: Callable[[Any], object], words: str) -> None:
    """And what is wrong with it named."""
    index = json.loads((folder / INDEX_JSON).read_text())
    change(index)
    (folder / INDEX_JSON).write_text(json.dumps(index))
    with pytest.raises(PlanFileError, match=words):
        read_rolling(folder)


def test_an_edited_index_is_refused(folder: Path) -> None:
    """By its own digest; one of an earlier version, which has none, is read."""
    index = json.loads((folder / INDEX_JSON).read_text())
    index["hosts"].reverse()
    (folder / INDEX_JSON).write_text(json.dumps(index))
    with pytest.raises(EditedPlan, match="it was edited"):
        read_rolling(folder)
    del index["digest"]
    (folder / INDEX_JSON).write_text(json.dumps(index))
    assert list(read_rolling(folder).hosts) == index["hosts"]


def test_a_plan_that_was_swapped_is_refused(folder: Path) -> None:
    """The index says which plan each stage is."""
    index = read_rolling(folder)
    first, second = (folder / name for name in index.folders[:2])
    (first / "plan.json").write_bytes((second / "plan.json").read_bytes())
    with pytest.raises(EditedPlan, match="another plan"):
        stage_plan(folder, index, 0)


def test_a_worst_hour_that_is_not_that_of_its_plan_is_refused(folder: Path) -> None:
    """What the index says is compared with the figures of the plan; an older index says nothing."""
    path = folder / INDEX_JSON
    index = json.loads(path.read_text())
    del index["digest"]
    index["stages"][0]["worst_hour"] = {"host": "alder", "host_uuid": "h", "hour": "02:00 UTC", "share": 0.1}
    path.write_text(json.dumps(index))
    with pytest.raises(EditedPlan, match="worst hour"):
        stage_plan(folder, read_rolling(folder), 0)
    index["stages"][0].pop("worst_hour")
    path.write_text(json.dumps(index))
    assert stage_plan(folder, read_rolling(folder), 0).digest == small_scene(1, NEWER, 2).plans.stages[0].plan.digest
