"""Nights are kept, however they end, and no night depends on that."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rebalancer.cli.exits import Exit
from rebalancer.history.nights import nights_in
from rebalancer.history.outcome import read_outcome
from rebalancer.simulator import Simulator, generate_pool
from tests.cli.terminal import PASSWORD, QUICK, USER, Terminal

POOL = generate_pool(hosts=3, vms=15, seed=5, fill=0.5, hot=0.4, pinned=0.1, cpus=16)


def policy(terminal: Terminal, simulator: Simulator, more: str = "") -> Path:
    """The policy of this pool."""
    return terminal.write("p.toml", f'{QUICK}[pool]\nurl = "{simulator.url}"\n{more}')


def kept(terminal: Terminal) -> list[dict[str, object]]:
    """The nights that the history knows."""
    nights: list[dict[str, object]] = terminal.run("history", "nights", "--state-dir", "st", "--json").json()
    return nights


def test_every_end_is_kept(terminal: Terminal) -> None:
    """A night that moved, one that had nothing to do, one without metrics, and one whose pool did not answer."""
    with Simulator(POOL, user=USER, password=PASSWORD, speed=200.0, login_delay=0.0) as simulator:
        file = policy(terminal, simulator)
        file.write_text(file.read_text().replace("[demand]\n", "[demand]\nwindow_days = 21\n"))
        first = terminal.run("nightly", "--execute", "--state-dir", "st", file, "--json")
        assert first.code == Exit.DONE, first.err
        assert terminal.run("nightly", "--execute", "--state-dir", "st", file).code == Exit.DONE
        simulator.faults.add("rrd-unknown", times=-1)
        assert terminal.run("nightly", "--execute", "--state-dir", "st", file).code == Exit.METRICS_REFUSED
        wrong = {"REBALANCER_PASSWORD": "wrong"}
        assert terminal.run("nightly", "--execute", "--state-dir", "st", file, **wrong).code == Exit.ERROR
    told = first.json()
    nights = kept(terminal)
    assert [each["verdict"] for each in nights] == ["done", "nothing_to_do", "metrics_refused", "login_refused"]
    assert [each["exit_code"] for each in nights] == [0, 0, 6, 1]
    assert {each["pool_uuid"] for each in nights} == {told["pool"]}
    assert (nights[0]["plan"], nights[0]["done"], nights[0]["steps"]) == (told["plan"], told["moved"], told["steps"])
    capacity, busiest = nights[0]["capacity_pcpus"], nights[0]["busiest_pcpus"]
    assert isinstance(capacity, float)
    assert isinstance(busiest, float)
    assert capacity == 48.0
    assert 0 < busiest < capacity
    assert "metrics refused" in str(nights[2]["words"])
    outcome = read_outcome(terminal.folder / told["folder"])
    assert outcome
    assert (outcome.verdict, len(outcome.done), outcome.left) == ("done", told["moved"], ())
    moves = terminal.run("history", "moves", "--state-dir", "st", "--json").json()
    assert sorted(each["step"] for each in moves) == sorted(outcome.done)


def test_a_plan_that_nobody_carried_out_says_so(terminal: Terminal) -> None:
    """The verdict of its night, and every step as left."""
    with Simulator(POOL, user=USER, password=PASSWORD, login_delay=0.0) as simulator:
        told = terminal.run("nightly", "--state-dir", "st", policy(terminal, simulator), "--json").json()
    outcome = read_outcome(terminal.folder / told["folder"])
    assert outcome
    assert (outcome.verdict, outcome.done, len(outcome.left)) == ("planned", (), told["steps"])
    assert {each.state for each in outcome.left} == {"waiting"}


@pytest.mark.parametrize("content", [b"no database " * 99, None])
def test_a_history_that_cannot_be_used_stops_no_night(terminal: Terminal, content: bytes | None) -> None:
    """A broken file is filled anew; of a server that does not answer it is told, and the list of nights is kept."""
    section = f'[history]\nurl = "postgresql://db/x?host={terminal.folder}"\n' if content is None else ""
    (terminal.folder / "st").mkdir(mode=0o700)
    if content:
        (terminal.folder / "st" / "history.sqlite").write_bytes(content)
        (terminal.folder / "st" / "history.sqlite").chmod(0o600)
    with Simulator(POOL, user=USER, password=PASSWORD, login_delay=0.0) as simulator:
        ended = terminal.run("nightly", "--state-dir", "st", policy(terminal, simulator, section))
    assert ended.code == Exit.DONE
    if content:
        assert "It is kept as history.sqlite.broken" in ended.err
        assert len(kept(terminal)) == 1
    else:
        assert "load is not kept tonight" in ended.err
        assert "the history is not up to date" in ended.err
    (file,) = (terminal.folder / "st" / "nights").iterdir()
    assert [each.verdict for each in nights_in(file)] == ["planned"]


def test_a_night_whose_policy_cannot_be_read_is_kept(terminal: Terminal) -> None:
    """It is in the list of nights, with the sentence; the history reads it with the next night."""
    (terminal.folder / "p.toml").write_text("[limits]\nmaximum_move = 3\n")
    assert terminal.run("nightly", "--state-dir", "st", "p.toml").code == Exit.ERROR
    (file,) = (terminal.folder / "st" / "nights").iterdir()
    (night,) = nights_in(file)
    assert (night.policy, night.verdict, night.exit_code, night.pool) == ("p.toml", "policy_error", 1, "")
    assert "unknown key limits.maximum_move" in night.words


def test_a_night_compares_the_run_before_with_what_came(terminal: Terminal) -> None:
    """Once whole hours are measured: as if the first run, on a Thursday, had been on the Monday before."""
    night = ("nightly", "--execute", "--pool-clock", "--state-dir", "st")
    with Simulator(POOL, user=USER, password=PASSWORD, speed=200.0, login_delay=0.0) as simulator:
        thursday = datetime.fromtimestamp(simulator.clock.put("2098-06-05T12:00"), UTC)
        file = policy(terminal, simulator)
        told = terminal.run(*night, file, "--json").json()
        journal = next((terminal.folder / "st" / "journals").iterdir())
        monday = thursday - timedelta(days=3)
        lines = [json.loads(line) | {"at": monday.isoformat()} for line in journal.read_text().splitlines()]
        journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
        second = terminal.run(*night, file)
    assert "the 24 h after the run of" in second.err
    outcome = read_outcome(terminal.folder / told["folder"])
    assert outcome
    assert outcome.check
    assert outcome.check.hours == 24
    assert outcome.check.overload_unmoved > outcome.check.overload_measured
    assert len(outcome.check.hosts) == 3
