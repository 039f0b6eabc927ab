"""Fourteen nights on two pools of 16 hosts and 250 VMs, compared with what their simulators saw."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
from prometheus_client.parser import text_string_to_metric_families

import rebalancer as rb
from rebalancer.execute.journal.entries import AFTERWARDS
from tests.nightly.fortnight.life import BLIND, CHANGED, DOWN, EARLY, KILLED, NIGHTS, Fortnight, live, machine, typed
from tests.nightly.fortnight.pools import DAY, FIRST, Lived, lived_with, nights_apart
from tests.pages.browser import CHROMIUM, Tab, chromium

pytestmark = pytest.mark.slow
WELL = {"done", "cut", "nothing_to_do", "set_aside"}
LONG = 30000
"""Days that history is asked for: whenever these tests run, the nights are within."""


@pytest.fixture(scope="module")
def fortnight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fortnight]:
    """Lived through."""
    east, west = lived_with("east", 9, 11), lived_with("west", 3, 12)
    with east.simulator, west.simulator:
        found = Fortnight(east=east, west=west, folder=tmp_path_factory.mktemp("fortnight"))
        with machine(found):
            live(found)
        yield found


def value(metrics: str, name: str) -> float:
    """Of the gauge without labels of its own."""
    (sample,) = [
        each
        for family in text_string_to_metric_families(metrics)
        for each in family.samples
        if each.name == f"rebalancer_nightly_{name}"
    ]
    return float(sample.value)


def test_every_night_ends_with_the_documented_code(fortnight: Fortnight) -> None:
    """The west never hears of what befalls the east; the fleet's code is the worse one."""
    told = {
        night.number: {name: (end["exit_code"], end["verdict"]) for name, end in night.pools.items()}
        for night in fortnight.ended
    }
    codes = [night.code for night in fortnight.ended]
    odd = {BLIND: 6, DOWN: 1, KILLED: -9}
    assert codes == [odd.get(number, 0) for number in range(NIGHTS)], told
    assert told[BLIND]["east"] == (6, "metrics_refused")
    assert told[DOWN]["east"] in {(1, "unreachable"), (1, "not_ready")}
    assert told[EARLY]["east"] == (0, "out_of_time")
    assert fortnight.ended[EARLY].pools["east"]["left"] > 0
    usual = [told[number]["east"] for number in range(NIGHTS) if number not in {*odd, EARLY}]
    assert all(code == 0 and verdict in WELL for code, verdict in usual), usual
    west = [told[number]["west"] for number in range(NIGHTS) if number != KILLED]
    assert all(code == 0 and verdict in WELL for code, verdict in west), west


@pytest.mark.parametrize("name", ["east", "west"])
def test_history_tells_every_move_that_the_pool_saw(fortnight: Fortnight, name: str) -> None:
    """Night by night, and none that it did not see; what came after a night was killed is told by the next."""
    pool: Lived = getattr(fortnight, name)
    moves = fortnight.past.moves(LONG)
    moves = moves[(moves["pool_uuid"] == pool.uuid) & (moves["state"] == "moved")]
    for number in range(NIGHTS):
        since, until = fortnight.span(number)
        late = moves["words"] == AFTERWARDS
        told_at = moves["at"].where(~late, moves["at"] - DAY)
        kept = moves[(told_at >= since) & (told_at < until)]
        seen = sorted((each.vm, each.host) for each in pool.arrivals(since, until))
        assert sorted(zip(kept["vm_uuid"], kept["target_uuid"], strict=True)) == seen, number


@pytest.mark.parametrize("name", ["east", "west"])
def test_nights_and_metrics_count_what_the_pool_saw(fortnight: Fortnight, name: str) -> None:
    """Whatever ended them; a night that was killed leaves the file of the one before, and no row."""
    pool: Lived = getattr(fortnight, name)
    rows = fortnight.past.nights(LONG)
    rows = rows[rows["policy"] == f"{name}.toml"]
    for night in fortnight.ended:
        since, until = fortnight.span(night.number)
        kept = rows[(rows["began_at"] >= since - timedelta(minutes=1)) & (rows["began_at"] < until)]
        if night.number == KILLED and name == "east":
            assert (kept.empty, night.metrics[name]) == (True, fortnight.ended[KILLED - 1].metrics[name])
        elif night.number != KILLED:
            (row,) = kept.to_dict("records")
            seen, said = len(pool.arrivals(since, until)), night.pools[name]
            assert (row["done"], row["exit_code"], row["verdict"]) == (seen, said["exit_code"], said["verdict"])
            done, left = (value(night.metrics[name], f"steps_{each}") for each in ("done", "left"))
            assert (done, left) == (seen, row["steps"] - seen)
            assert value(night.metrics[name], "exit_code") == said["exit_code"]


@pytest.mark.parametrize("name", ["east", "west"])
def test_overload_falls_and_stays_low(fortnight: Fortnight, name: str) -> None:
    """From the third night on the pool has a tenth of what it would have had."""
    pool: Lived = getattr(fortnight, name)
    days = [
        (FIRST + number * DAY + timedelta(minutes=30), FIRST + (number + 1) * DAY) for number in range(3, NIGHTS - 1)
    ]
    came, unmoved = ([pool.overload(*day, 0.75, moved=moved) for day in days] for moved in (True, False))
    assert sum(came) < 0.1 * sum(unmoved), (came, unmoved)


@pytest.mark.parametrize("name", ["east", "west"])
def test_no_vm_moves_twice_within_its_cool_down(fortnight: Fortnight, name: str) -> None:
    """Three nights lie between two moves of a VM, whoever made the first one and however its night ended."""
    pool: Lived = getattr(fortnight, name)
    for vm, nights in nights_apart(iter(pool.arrivals(FIRST, FIRST + NIGHTS * DAY))).items():
        assert all(later - earlier >= 3 for earlier, later in pairwise(nights)), (vm, nights)


def test_what_history_measured_is_what_was(fortnight: Fortnight) -> None:
    """The overload of the day after each run."""
    checks = fortnight.past.checks(LONG).to_dict("records")
    assert len(checks) > NIGHTS / 2  # on the others nothing had to move
    for each in checks:
        (pool,) = [pool for pool in fortnight.pools if pool.uuid == each["pool_uuid"]]
        changed = pool is fortnight.east and each["since"] >= FIRST + CHANGED * DAY
        seen = pool.overload(each["since"], each["until"], 0.65 if changed else 0.75, moved=True)
        assert each["overload_measured_pcpu_hours"] == pytest.approx(seen, abs=1.0, rel=0.02), each


def test_the_changed_policy_is_the_one_that_is_planned_by(fortnight: Fortnight) -> None:
    """From that night on, and in the east alone."""
    for night in fortnight.ended:
        for name, end in night.pools.items():
            changed = name == "east" and night.number >= CHANGED
            if end["folder"]:
                assert rb.load(end["folder"]).policy.objective.threshold == (0.65 if changed else 0.75), night.number


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("width", [400, 1200])
def test_the_weekly_report_is_a_page_that_people_can_read(fortnight: Fortnight, width: int) -> None:
    """Its console is empty, it fits, and it shows each night of the first week, the VM, and what the moves spared."""
    page = fortnight.folder / f"week-{width}.html"
    asked = ("--until", "2026-11-10", "--state-dir", str(fortnight.folder / "state"), "--html", str(page))
    code, _, log = typed("report", "week", *asked)
    assert code == 0, log
    with chromium(fortnight.folder / f"profile-{width}") as browser:
        tab = Tab(browser, width=width, dark=False)
        assert tab.open(page) == []
        assert tab.ask("document.documentElement.scrollWidth <= innerWidth")
        shown, drawn = str(tab.ask("document.body.innerText")), tab.picture(height=900)
    assert drawn.startswith(b"\x89PNG")
    dates = [f"{FIRST + number * DAY:%Y-%m-%d}" for number in range(7) if number != KILLED]
    assert [date for date in dates if date not in shown] == []
    vms = fortnight.east.simulator.database.all("VM").values()
    (stubborn,) = (vm["name_label"] for vm in vms if vm["uuid"] == fortnight.stubborn)
    assert all(words in shown for words in (stubborn, "metrics refused", "out of time", "Did it help?"))


def test_the_stubborn_vm_is_told_every_night(fortnight: Fortnight) -> None:
    """History knows each failure, also of the run that was killed, unless that died before it knew that it had begun.

    While patience lasts, plans name the VM.
    """
    east = fortnight.east
    failed = [each for each in east.simulator.faults.struck if each.kind == "move-fails"]
    moves = fortnight.past.moves(LONG)
    tries = moves[(moves["vm_uuid"] == fortnight.stubborn) & (moves["state"] != "moved")]
    assert failed
    assert len(tries) == len(failed) - fortnight.unheard()
    for at, patience in zip(tries["at"], (1, 2, 4, *[8] * NIGHTS), strict=False):
        tried = (at - FIRST) // DAY
        later = {*range(tried + 1, tried + patience + 1)} - {KILLED, BLIND, DOWN}
        assert all(fortnight.stubborn in fortnight.ended[each].metrics["east"] for each in later if each < NIGHTS)
    assert not [each for each in east.arrivals(FIRST, FIRST + NIGHTS * DAY) if each.vm == fortnight.stubborn]
