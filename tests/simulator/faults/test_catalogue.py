"""Faults as texts and by chance."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest

from rebalancer.simulator import FAULTS, SUBJECTS, TRIGGERS, Fault, SimulatedPool, Simulator, draw, parse

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "simulator.md").read_text(encoding="utf-8")


def test_a_fault_is_read_as_it_is_written(small_pool: SimulatedPool) -> None:
    """Whatever was drawn comes back from its text."""
    random = Random(3)
    for _ in range(500):
        fault = draw(random, small_pool.records)
        assert parse(str(fault)) == fault


def test_the_same_seed_draws_the_same_faults(small_pool: SimulatedPool) -> None:
    """In the same order."""
    one, two = ([str(draw(random, small_pool.records)) for _ in range(50)] for random in (Random(1), Random(1)))
    assert one == two
    assert len(set(one)) > 25


def test_every_fault_that_is_drawn_can_be_wanted(simulator: Simulator, small_pool: SimulatedPool) -> None:
    """With the settings that were drawn; each kind turns up."""
    random, seen = Random(5), set()
    for _ in range(1500):
        fault = draw(random, small_pool.records)
        simulator.faults.want(fault)
        seen.add(fault.kind)
    assert seen == {name for name, kind in FAULTS.items() if kind.trigger is not None}


def test_kinds_can_be_chosen(small_pool: SimulatedPool) -> None:
    """Only those are drawn."""
    random = Random(1)
    assert {draw(random, small_pool.records, ["stalls", "slow"]).kind for _ in range(50)} == {"stalls", "slow"}


def test_vms_and_hosts_go_by_name(simulator: Simulator) -> None:
    """What people know."""
    vm = next(each for _, each in simulator.database.items("VM") if each["power_state"] == "Running")
    simulator.go_wrong(f"move-fails:vm={vm['name_label']},at=0.2,code=INTERNAL_ERROR,params=a b")
    (fault,) = simulator.faults.waiting
    assert fault == Fault(
        kind="move-fails",
        about={"vm": vm["uuid"]},
        settings={"at": "0.2", "code": "INTERNAL_ERROR", "params": "a b"},
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("earthquake", "no fault is called 'earthquake'"),
        ("stalls:speed=3", "has no setting 'speed'"),
        ("stalls:0.5", "vm=0.5: nothing has that name"),
        ("stalls:at=0.5,0.7", "'0.7' is no setting"),
        ("stalls:vm=nobody", "vm=nobody: nothing has that name"),
        ("stalls:times=often", "invalid literal"),
    ],
)
def test_what_is_no_fault_is_refused(simulator: Simulator, text: str, words: str) -> None:
    """In words."""
    with pytest.raises(ValueError, match=re.escape(words)):
        simulator.go_wrong(text)


def test_every_kind_is_documented() -> None:
    """docs/simulator.md has a row for each, with its words and settings, and no other."""
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*) \| (.*) \|$", PAGE, re.MULTILINE)
    kinds = {
        name: (kind.words.replace("|", "\\|"), ", ".join(f"`{each}`" for each in kind.settings))
        for name, kind in FAULTS.items()
    }
    assert {name: (words, settings) for name, words, settings in rows} == kinds


def test_what_every_fault_takes_is_documented() -> None:
    """Subjects and triggers."""
    table = PAGE.partition("Every fault takes")[2].partition("\n#")[0]
    rows = re.findall(r"^\| `([a-z]+)` \| (.*) \|$", table, re.MULTILINE)
    assert dict(rows) == {**SUBJECTS, **TRIGGERS}
