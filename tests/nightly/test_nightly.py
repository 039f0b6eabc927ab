"""Nights against the simulator."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import rebalancer as rb
from rebalancer.errors import ConnectionSettingsError, MetricsRefused, PoolLocked, StoppedHalfWay
from rebalancer.execute import Clock, read_journal
from rebalancer.export.rows import clock_lines
from rebalancer.nightly import Access, Verdict, access_of, plan_and_execute, plan_only
from rebalancer.policy import Policy
from rebalancer.simulator import Simulator
from rebalancer.xapi import Credentials
from tests.nightly.noon import NOON, POOL, TIMEOUTS, NoonClock
from tests.pools import policy_of


class StillClock(Clock):
    """It is noon, and stays so."""

    def now(self) -> datetime:
        """Noon."""
        return NOON


@dataclass(slots=True, kw_only=True)
class Night:
    """A simulated pool with two hot hosts, the way into it, and a state folder."""

    simulator: Simulator
    access: Access
    state: Path

    @property
    def homes(self) -> dict[str, str]:
        """The host of every VM."""
        return {vm["uuid"]: vm["resident_on"] for vm in self.simulator.database.all("VM").values()}


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    """One night."""
    with Simulator(POOL, speed=100.0, login_delay=0.0) as simulator:
        keys = Credentials(user="root", password="simulator")
        yield Night(
            simulator=simulator,
            access=Access(url=simulator.url, connection=rb.Connection(credentials=keys)),
            state=tmp_path / "s",
        )


def test_planning_moves_nothing(night: Night) -> None:
    """Without being told to execute, the plan is written and every VM stays."""
    before = night.homes
    made = plan_only(night.access, policy_of(), state_dir=night.state, clock=NoonClock())
    assert (made.verdict, made.run, night.homes) == (Verdict.PLANNED, None, before)
    assert made.plan.steps
    assert made.folder.parent == night.state / "plans" / made.plan.made_from.pool
    assert made.folder.name.startswith("2026-03-04T12")
    assert rb.load(made.folder) == made.plan


def test_a_night_cools_the_pool_and_the_next_finds_nothing_to_do(night: Night) -> None:
    """The plan is carried out and journaled, and a second run right after has no step."""
    first = plan_and_execute(night.access, policy_of(), state_dir=night.state, timeouts=TIMEOUTS)
    assert first.verdict is Verdict.DONE
    assert first.run
    assert len(first.run.done) == len(first.plan.steps) > 0
    assert first.run.journal == night.state / "journals" / f"{first.plan.digest.removeprefix('sha256:')}.jsonl"
    assert read_journal(first.run.journal)
    second = plan_and_execute(night.access, policy_of(), state_dir=night.state, timeouts=TIMEOUTS)
    assert (second.verdict, second.plan.steps, second.run) == (Verdict.NOTHING_TO_DO, (), None)


def test_outside_the_window_it_plans_and_says_when_the_next_opens(night: Night) -> None:
    """At noon, with a window from 22:00 to 04:00, nothing moves."""
    before = night.homes
    wanted = policy_of(window=[{"start": "22:00", "end": "04:00"}])
    made = plan_and_execute(night.access, wanted, state_dir=night.state, clock=NoonClock(), timeouts=TIMEOUTS)
    assert (made.verdict, night.homes) == (Verdict.OUTSIDE, before)
    assert made.opens_at == NOON.replace(hour=22)
    assert "the next change window opens at 2026-03-04 22:00 UTC" in str(made)
    told = json.loads(json.dumps(made.as_json()))
    assert (told["verdict"], told["opens_at"]) == ("outside", "2026-03-04T22:00:00+00:00")
    assert (told["moved"], told["left"], told["journal"]) == (0, len(made.plan.steps), None)


def test_a_window_that_closes_soon_ends_the_night(night: Night) -> None:
    """A window that closes before any step could end: a plan, a clean end, every VM where it was."""
    before = night.homes

    class Late(NoonClock):
        def now(self) -> datetime:
            return NOON - timedelta(seconds=3)

    wanted = policy_of(window=[{"start": "10:00", "end": "12:00"}])
    made = plan_and_execute(night.access, wanted, state_dir=night.state, clock=Late(), timeouts=TIMEOUTS)
    assert (made.verdict, made.moved, night.homes) == (Verdict.OUT_OF_TIME, 0, before)
    assert made.left == len(made.plan.steps)


@pytest.mark.parametrize(
    ("end", "seconds"), [("12:01", 30.0), ("14:00", 3600.0), ("11:00", math.inf), (None, math.inf)]
)
def test_planning_leaves_half_of_an_open_window(
    night: Night, monkeypatch: pytest.MonkeyPatch, end: str | None, seconds: float
) -> None:
    """The wall clock ends the search in an open window, at noon here; where none is open or closes, nothing does."""
    asked, plan_for = list[float](), rb.rebalance

    def listening(*args: Any, within: float, **options: Any) -> Any:  # noqa: ANN401 - handed on
        asked.append(within)
        return plan_for(*args, within=within, **options)

    monkeypatch.setattr(rb, "rebalance", listening)
    wanted = policy_of(window=[{"start": "10:00", "end": end}] if end else [], execution={"require_approval": True})
    plan_and_execute(night.access, wanted, state_dir=night.state, clock=StillClock(), timeouts=TIMEOUTS)
    assert asked == [seconds]


def test_refused_metrics_move_nothing(night: Night) -> None:
    """A host without a single number: no balance can be planned."""
    before = night.homes
    night.simulator.faults.add("rrd-unknown", times=-1)
    with pytest.raises(MetricsRefused):
        plan_and_execute(night.access, policy_of(), state_dir=night.state, timeouts=TIMEOUTS)
    assert night.homes == before
    assert not (night.state / "plans").exists()


def test_a_repair_does_without_metrics_and_says_so(night: Night) -> None:
    """A policy that only mends what is broken is planned all the same, and the result tells what was refused."""
    night.simulator.faults.add("rrd-unknown", times=-1)
    made = plan_and_execute(night.access, policy_of(mode="repair"), state_dir=night.state, timeouts=TIMEOUTS)
    assert made.refused is not None
    assert made.verdict is Verdict.NOTHING_TO_DO


HOLD = """
import sys
from pathlib import Path
from rebalancer.execute import pool_lock
with pool_lock(sys.argv[1], Path(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_clock_that_is_off_is_told_in_the_log(night: Night) -> None:
    """Cron hears of it every night: which host, how far, and what became of its metrics."""
    wrong = next(reversed(night.simulator.urls))
    night.simulator.faults.add("clock-skew", host=wrong, seconds=-7200, times=-1)
    made = plan_only(night.access, Policy(mode="repair"), state_dir=night.state)
    (line,) = clock_lines(made.plan)
    name = next(row.name for row in made.plan.hosts if row.uuid == wrong)
    assert line == f"the clock of host {name} is 2.0 h behind most clocks: its metrics were moved forward by as much"
    assert line in made.plan.warnings


def test_two_nights_at_once(night: Night) -> None:
    """While another process holds the lock of the pool, nothing is moved; planning alone needs no lock."""
    (pool,) = night.simulator.database.all("pool").values()
    before = night.homes
    command = [sys.executable, "-c", HOLD, pool["uuid"], str(night.state)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(PoolLocked):
            plan_and_execute(night.access, policy_of(), state_dir=night.state, timeouts=TIMEOUTS)
        assert plan_only(night.access, policy_of(), state_dir=night.state).verdict is Verdict.PLANNED
        holder.kill()
    assert night.homes == before


def test_a_vm_that_halts_ends_the_night_with_people_needed(night: Night) -> None:
    """What the run raises comes through."""
    night.simulator.faults.add("vm-halts", at=0.3)
    with pytest.raises(StoppedHalfWay, match="halted"):
        plan_and_execute(night.access, policy_of(), state_dir=night.state, timeouts=TIMEOUTS)


def test_the_policy_says_how_to_get_in(tmp_path: Path) -> None:
    """URL, fingerprints and a credentials file beside the policy; without a file, the environment."""
    (tmp_path / "keys").write_text("night\nsecret\n")
    (tmp_path / "keys").chmod(0o600)
    pin = "ab" * 32
    section = {"url": "https://pool", "fingerprints": [pin], "credentials_file": "keys"}
    access = access_of(policy_of(pool=section), tmp_path)
    assert access.url == "https://pool"
    assert access.connection.credentials == Credentials(user="night", password="secret")
    assert access.connection.fingerprints == (pin,)
    environment = {"REBALANCER_USER": "cron", "REBALANCER_PASSWORD": "x"}
    assert access_of(
        policy_of(pool={"url": "https://pool"}), tmp_path, environment
    ).connection.credentials == Credentials(user="cron", password="x")


def test_a_policy_without_a_pool_is_refused(tmp_path: Path) -> None:
    """The sentence names the key."""
    with pytest.raises(ConnectionSettingsError, match=r"pool\.url of the policy"):
        access_of(policy_of(), tmp_path)
