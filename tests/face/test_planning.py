"""The page for planners is run: every block of Python in order, and the file of scenarios."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

import rebalancer as rb
from rebalancer import scenarios
from rebalancer.demand import Series
from rebalancer.demand.recording import read_recording
from rebalancer.history.place import HistoryPlace
from rebalancer.history.samples import keep_samples
from rebalancer.history.store import Store
from rebalancer.snapshot import Snapshot, write_snapshot
from rebalancer.whatif.scenarios.document import EDITS
from tests.plan.made import demand_of
from tests.pools import make_host, make_pool

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "planning.md").read_text(encoding="utf-8")
QUESTIONS = (
    ("What is hot, and when?", "model.filling()"),
    ("What if a host dies?", "rb.failures("),
    ("How many more fit?", "rb.Shape(vcpus=4, memory_gib=8, load=1.5), spare=1"),
    ("What if demand grows by a fifth, two hosts are retired, one is added?", 'grow("*", cpu=1.2)'),
    ("What if demand grows by a fifth, two hosts are retired, one is added?", 'retire("alder", "ash")'),
    ("What if demand grows by a fifth, two hosts are retired, one is added?", "add_hosts(1)"),
    ("When is it full?", "rb.forecast("),
    ("What does each rule cost?", "rb.prices("),
    ("Which policy would have done what last month?", "rb.replay(model.state, past=rb.history()"),
    ("May two pools become one?", "merge("),
    ("What if CPUs of a new generation, or another version, come?", "refit("),
)
MOST = 5
"""Lines that an answer takes at most."""


def blocks(language: str) -> list[str]:
    """The fenced blocks of the page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def past(desk: Path) -> None:
    """Two weeks of load in the history, and the snapshot of another pool of one host."""
    pool = rb.read("pool.json.gz").pool
    known = read_recording(desk / "traces.csv", pool)
    series = Series(vm_pcpu=known.vm_pcpu, host_base_pcpu=known.own_pcpu)
    demand = replace(demand_of(pool, dict.fromkeys(known.vms, 1.0)), series=series, window_start=known.start)
    with Store.of(HistoryPlace()) as store:
        keep_samples(store, pool, demand)
    other = make_pool(hosts=[make_host("o1")], uuid="other", name="other")
    write_snapshot(Snapshot(pool=other, demand=None, taken_at=datetime.now(UTC), source="test"), "other.json.gz")


@pytest.mark.usefixtures("past")
def test_every_answer_runs_and_is_short() -> None:
    """In one notebook, from top to bottom."""
    room: dict[str, object] = {}
    for block in blocks("python"):
        assert len(block.splitlines()) <= MOST, block
        exec(compile(block, "docs/planning.md", "exec"), room)  # noqa: S102 - the page is ours


def test_every_question_has_an_answer() -> None:
    """Below a heading of its own, by what answers it."""
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
    for question, answer in QUESTIONS:
        block = re.search(r"^```python\n(.*?)^```$", sections[question], re.MULTILINE | re.DOTALL)
        assert block is not None, question
        assert answer in block[1], question


@pytest.mark.usefixtures("desk")
def test_the_file_of_scenarios_is_read(tmp_path: Path) -> None:
    """As it stands there."""
    (block,) = blocks("toml")
    path = tmp_path / "s.toml"
    path.write_text(block, encoding="utf-8")
    assert list(scenarios.read(path)) == ["as it is", "two hosts fewer", "next year", "stricter"]


def test_every_edit_has_a_row() -> None:
    """With its form in TOML."""
    told = re.findall(r"^\| `\w+\(.*?\)` \| `\{ (\w+) =", PAGE, re.MULTILINE)
    assert told == [kind.key for kind in EDITS if kind.key in told]
    assert set(told) == {kind.key for kind in EDITS}
