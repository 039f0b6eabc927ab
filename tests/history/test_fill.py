"""The history is filled from the state folder, once for each file, and can be filled anew."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest
from sqlalchemy import select

from rebalancer.execute import StepState, journal_path
from rebalancer.execute.journal.entries import Intended, Looked, RunBegan
from rebalancer.history.answers import Period
from rebalancer.history.fill import Filled, fill, rebuild
from rebalancer.history.outcome import CheckedHost, LoadCheck, PlanOutcome, write_outcome
from rebalancer.history.place import HistoryPlace
from rebalancer.history.queries import (
    checked_hosts_of,
    checks_of,
    hosts_of,
    moves_of,
    nights_of,
    objectives_of,
    pools_of,
)
from rebalancer.history.store import Store
from rebalancer.history.tables import META, SAMPLES, SOURCES, VERSION
from tests.execute.scripted import MADE_AT
from tests.history.made import DAY, FAR_AHEAD, LONG_AGO, PLAN, POOL, folder_of, live_through, write_journal

ALWAYS = Period(since=LONG_AGO, until=FAR_AHEAD)
CHECK = LoadCheck(
    since=MADE_AT + DAY,
    until=MADE_AT + 2 * DAY,
    elsewhere=1,
    overload_predicted=2.0,
    overload_measured=3.0,
    overload_unmoved=7.0,
    hosts=(CheckedHost(uuid="h1", name="h1", predicted_share=0.7, measured_share=0.9),),
)


def contents(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """All rows but those that say which files were read."""
    told = [table for table in META.sorted_tables if table not in {SOURCES, VERSION, SAMPLES}]
    with store.reading() as connection:
        return {table.name: sorted(map(tuple, connection.execute(select(table))), key=repr) for table in told}


def test_what_a_night_left_is_known(store: Store, place: HistoryPlace) -> None:
    """The night, what became of its steps, its hosts, and under which names."""
    night = live_through(place.folder, states={"s01": StepState.MOVED, "s02": StepState.STAYED})
    assert fill(store) == Filled(plans=1, journals=1, nights=1)
    (row,) = nights_of(store, ALWAYS)
    assert (row.began_at, row.ended_at) == (night.began_at, night.ended_at)
    assert (row.pool, row.verdict, row.steps, row.done, row.left) == (POOL.name, "done", 2, 1, 1)
    assert (row.capacity_pcpus, row.memory_used_bytes) == (48.0, 1 << 37)
    first, second = moves_of(store, ALWAYS)
    assert (first.vm, first.source, first.target, first.state, first.seconds) == ("a", "h1", "h2", "moved", 60.0)
    assert (second.state, second.words, second.seconds, second.moved) == ("stayed", "CANNOT_MIGRATE", None, False)
    assert [(each.host_uuid, each.threshold_share) for each in hosts_of(store, ALWAYS)] == [
        (each, 0.70) for each in ("h1", "h2", "h3")
    ]
    assert pools_of(store) == {POOL.uuid: POOL.name}


def test_objectives_keep_their_bounds(store: Store, place: HistoryPlace) -> None:
    """As the plan has them."""
    live_through(place.folder)
    fill(store)
    told = [(each.objective, each.before, each.after, each.bound, each.proved) for each in objectives_of(store, ALWAYS)]
    assert told == [(each.objective, each.before, each.after, each.bound, each.proved) for each in PLAN.tiers]


def test_each_file_is_read_once(store: Store, place: HistoryPlace) -> None:
    """And a journal again once it has grown, in the place of what it told before."""
    live_through(place.folder, states={"s01": StepState.MOVED})
    fill(store)
    assert fill(store) == Filled()
    later = MADE_AT + DAY
    write_journal(
        journal_path(PLAN.digest, place.state_dir),
        RunBegan(at=later, plan=PLAN.digest, pool=POOL.uuid),
        Intended(at=later, step="s02", vm="b", source="h1", target="h3"),
        Looked(at=later, step="s02", state=StepState.MOVED, power_state="Running", resident_on="h3"),
    )
    assert fill(store) == Filled(journals=1)
    assert [each.step for each in moves_of(store, ALWAYS)] == ["s01", "s02"]


def test_a_second_state_folder_adds_its_nights(store: Store, place: HistoryPlace) -> None:
    """Two machines, one database: neither takes away what the other told."""
    if place.url is None:
        pytest.skip("a file belongs to its state folder")
    live_through(place.folder)
    fill(store)
    other = HistoryPlace(state_dir=place.folder.parent / "other", url=place.url)
    with Store.of(other) as theirs:
        assert fill(theirs) == Filled()
        assert len(nights_of(theirs, ALWAYS)) == 1


def test_rebuilding_gives_the_same(store: Store, place: HistoryPlace) -> None:
    """Row for row; what was written over is as the files have it again."""
    live_through(place.folder)
    write_outcome(PlanOutcome(plan=PLAN.digest, check=CHECK), folder_of(PLAN, place.folder))
    fill(store)
    before = contents(store)
    with store.writing() as connection:
        for table in META.sorted_tables:
            if table.name in {"step_ends", "plan_steps", "checked_hosts"}:
                connection.execute(table.delete())
    assert rebuild(store) == Filled(plans=1, journals=1, nights=1)
    assert contents(store) == before
    assert len(before["step_ends"]) == 2


def test_what_files_no_longer_tell_stays(store: Store, place: HistoryPlace) -> None:
    """Pruned plans and journals are still known, after a rebuild, too."""
    live_through(place.folder)
    fill(store)
    before = contents(store)
    journal_path(PLAN.digest, place.state_dir).unlink()
    (folder_of(PLAN, place.folder) / "plan.json").unlink()
    assert fill(store) == Filled()
    assert rebuild(store) == Filled(nights=1)
    assert contents(store) == before


def test_what_was_measured_is_known(store: Store, place: HistoryPlace) -> None:
    """From the outcome in the plan folder, host by host."""
    live_through(place.folder)
    write_outcome(PlanOutcome(plan=PLAN.digest, check=CHECK), folder_of(PLAN, place.folder))
    fill(store)
    (row,) = checks_of(store, ALWAYS)
    assert (row.since, row.elsewhere, row.saved_pcpu_hours) == (CHECK.since, 1, 4.0)
    (host,) = checked_hosts_of(store, ALWAYS)
    assert host.error_share == pytest.approx(0.2)


def test_what_cannot_be_read_is_named_and_left_out(store: Store, place: HistoryPlace) -> None:
    """A broken plan, an edited journal and half a night hide nothing else."""
    live_through(place.folder)
    broken = place.folder / "plans" / "x" / "y" / "plan.json"
    broken.parent.mkdir(parents=True)
    broken.write_text("{")
    journal = place.folder / "journals" / "z.jsonl"
    journal.write_text("{}\n")
    nights = place.folder / "nights" / f"{MADE_AT:%Y-%m}.jsonl"
    with nights.open("ab") as file:
        file.write(b'{"format": "rebalancer-night/1", "policy"')
    found = fill(store)
    assert (found.plans, found.nights, found.unreadable) == (1, 1, ["plans/x/y/plan.json", "journals/z.jsonl"])


def test_filters_choose_moves(store: Store, place: HistoryPlace) -> None:
    """By VM and host, by name or uuid, by pool and time."""
    live_through(place.folder)
    fill(store)
    assert [each.vm for each in moves_of(store, ALWAYS, vm="b")] == ["b"]
    assert [each.vm for each in moves_of(store, ALWAYS, host="h2")] == ["a"]
    assert [each.vm for each in moves_of(store, ALWAYS, host="h1")] == ["a", "b"]
    assert moves_of(store, ALWAYS, vm="%") == ()
    assert moves_of(store, ALWAYS, pools=["elsewhere"]) == ()
    assert moves_of(store, Period(since=MADE_AT + DAY, until=FAR_AHEAD)) == ()


def test_the_copy_of_a_run_stands_in_for_its_plan(store: Store, place: HistoryPlace) -> None:
    """As of plans in folders of people's own; beside the plan itself it is not read again."""
    live_through(place.folder)
    copy = place.folder / "runs" / f"{PLAN.digest.removeprefix('sha256:')}.plan.json"
    copy.parent.mkdir()
    copy.write_bytes((folder_of(PLAN, place.folder) / "plan.json").read_bytes())
    assert fill(store) == Filled(plans=1, journals=1, nights=1)
    assert fill(store) == Filled()
    shutil.rmtree(place.folder / "plans")
    fresh = HistoryPlace(state_dir=place.folder.parent / "fresh", url=place.url)
    shutil.copytree(place.folder / "runs", fresh.folder / "runs")
    if place.url is None:
        with Store.of(fresh) as other:
            assert fill(other) == Filled(plans=1)
            assert len(hosts_of(other, ALWAYS)) == 3


def test_a_time_that_is_set_back_is_seen(store: Store, place: HistoryPlace) -> None:
    """A file counts as changed whenever its time is another."""
    live_through(place.folder)
    fill(store)
    os.utime(journal_path(PLAN.digest, place.state_dir), (1, 1))
    assert fill(store) == Filled(journals=1)
