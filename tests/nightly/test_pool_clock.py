"""Rehearsed nights go by the clock of their pool, also while that pool is down."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

import rebalancer as rb
from rebalancer.cli.exits import Exit
from rebalancer.cli.nights.pool_time import AheadOfThis
from rebalancer.nightly import keep_ahead, known_ahead
from rebalancer.simulator import Simulator
from tests.nightly.noon import POOL
from tests.nightly.typed import Typed, typed_at

EVENING = datetime(2031, 5, 5, 22, 30, tzinfo=UTC)
PATIENT = '[limits]\nsolve_seconds = 1\n[pool]\nretry_until = "23:30"\nretry_minutes = 20\nurl = "{url}"\n'


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Typed]:
    """A terminal beside a pool that lives in 2031; a question that waits for an answer takes no time."""
    monkeypatch.setattr("rebalancer.xapi.patience.time", SimpleNamespace(sleep=lambda _: None))
    with Simulator(POOL, speed=100.0, login_delay=0.0, now=EVENING.timestamp()) as simulator:
        yield typed_at(simulator, tmp_path, monkeypatch, capsys)


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long nights sleep: the clock that they go by moves by it at once."""
    slept: list[float] = []

    def sleep(clock: AheadOfThis, seconds: float) -> None:
        slept.append(seconds)
        clock.ahead += timedelta(seconds=seconds)

    monkeypatch.setattr(AheadOfThis, "sleep", sleep)
    return slept


def night(typed: Typed) -> tuple[int, str]:
    """Exit code and log of a rehearsed night."""
    (typed.folder / "p.toml").write_text(PATIENT.format(url=typed.simulator.url), encoding="utf-8")
    ended = typed.run("nightly", typed.folder / "p.toml", "--pool-clock", "--json", "--state-dir", typed.folder / "s")
    return ended.code, ended.err


def test_a_pool_that_is_down_is_waited_for_by_the_clock_it_showed_last(typed: Typed, slept: list[float]) -> None:
    """Until the hour of the policy, with a word each time; the night is told with the time that the pool would show."""
    assert night(typed)[0] == Exit.DONE
    typed.simulator.faults.add("network-away", times=-1)
    code, told = night(typed)
    assert (code, slept) == (Exit.ERROR, [1200.0, 1200.0])
    assert told.count("it is tried again every 20 minutes, until 2031-05-05 23:30 UTC") == len(slept)
    kept = rb.history(state_dir=typed.folder / "s").nights(days=30000)
    first, second = kept.sort_values("began_at").to_dict("records")
    assert (first["verdict"], second["exit_code"]) == ("planned", Exit.ERROR)
    assert EVENING < first["ended_at"] < second["ended_at"] < EVENING + timedelta(hours=1)


def test_a_pool_that_comes_back_is_planned(typed: Typed, slept: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """The night goes by what its clock shows then."""
    assert night(typed)[0] == Exit.DONE
    typed.simulator.faults.add("network-away", times=-1)

    def mended(_clock: AheadOfThis, seconds: float) -> None:
        slept.append(seconds)
        typed.simulator.faults.clear()

    monkeypatch.setattr(AheadOfThis, "sleep", mended)
    assert (night(typed)[0], slept) == (Exit.DONE, [1200.0])


def test_a_clock_that_nobody_kept_is_this_one(tmp_path: Path) -> None:
    """So is one whose file says nothing; what was kept is known by the pool's address."""
    keep_ahead("http://pool", timedelta(days=3), tmp_path)
    assert known_ahead("http://pool", tmp_path) == timedelta(days=3)
    assert known_ahead("http://other", tmp_path) == timedelta()
    (kept,) = (tmp_path / "members").iterdir()
    for text in ("", "[]", '{"ahead_seconds": "long"}', json.dumps({"ahead_seconds": 1e300})):
        kept.write_text(text, encoding="utf-8")
        assert known_ahead("http://pool", tmp_path) == timedelta()
