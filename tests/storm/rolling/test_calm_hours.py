"""Hosts go down in the hours of least load, for which `rolling --execute` waits in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

import rebalancer as rb
from rebalancer.demand import LoadProfile, Quality
from rebalancer.errors import ApprovalRefused, PoolLocked
from rebalancer.execute import pool_lock
from rebalancer.face.rolling import begin
from rebalancer.face.rolling.trace import Event
from rebalancer.face.rolling.turn import StageTurn
from rebalancer.inventory import pool_from_records
from rebalancer.inventory.records import CLASSES
from rebalancer.simulator import Simulator
from tests.storm.blows import kill
from tests.storm.executor import AFTER, Point
from tests.storm.rolling.changes import moved, vms_on
from tests.storm.rolling.scene import Scene, policy, small_pool
from tests.storm.rolling.stage import TRACE, Stage
from tests.storm.situations import BEGINS

CALM = (20, 3)
"""The hours of the day in which VMs use less than in all others."""


def scene(wanted: rb.Policy) -> Scene:
    """The stages of two hosts of a small pool, whose load has been measured."""
    pool = small_pool(1)
    database = Simulator(pool).database
    read = pool_from_records({cls: database.all(cls) for cls in CLASSES})
    guests = tuple(vm.uuid for vm in read.resident_guests())
    load = np.array([[0.1 if hour in CALM else 0.4 for hour in range(24)]] * len(guests))
    demand = LoadProfile(
        vms=guests,
        hosts=tuple(read.hosts),
        vm_pcpu=load,
        host_base_pcpu=np.zeros((len(read.hosts), 24)),
        slot_hours=1.0,
        quality=dict.fromkeys(guests, Quality.MEASURED),
        percentile=95.0,
        window_start=BEGINS,
        window_end=BEGINS,
        timezone="UTC",
        source="a test",
    )
    state = rb.PoolState(pool=read, demand=demand, taken_at=BEGINS, source="a test")
    chosen = sorted(read.hosts, key=lambda host: host not in read.coordinators)[:2]
    return Scene(pool=pool, plans=rb.rolling(rb.Model(state, wanted), chosen, made_at=BEGINS), version=None)


@contextmanager
def staged(
    folder: Path, *, within_hours: float | None, window: Sequence[Mapping[str, str]] = (), plan_anew: bool = False
) -> Iterator[Stage]:
    """Two hosts that are rebooted within so many hours, in a change window where there is one."""
    rolling = {"within_hours": within_hours} if within_hours else {}
    wanted = policy(rolling={**rolling, "plan_anew": plan_anew}, window=window)
    stage = Stage(folder, scene(wanted), wanted)
    with stage.opened():
        yield stage
        stage.close()


def begun(stage: Stage) -> list[datetime]:
    """When each host began to be emptied: the trace, and nothing else, tells."""
    rows = [line for line in stage.lines if line.event is Event.STAGE]
    return [row.at for row in rows if stage.plans.stages[row.stage - 1].purpose.value == "empty"]


def test_hosts_go_down_in_the_hours_of_least_load(tmp_path: Path) -> None:
    """Both in calm hours, both within the time that they have; what is waited for is said, with both loads."""
    with staged(tmp_path, within_hours=24) as stage:
        assert stage.run() == "0 done"
        first, second = begun(stage)
        assert first.hour in CALM
        assert second.hour in CALM
        assert second < BEGINS + timedelta(hours=24)
        (words, *_) = [each for each in stage.said if "goes down from" in each]
        assert f"goes down from {first:%Y-%m-%d %H}:00 UTC on" in words
        assert "--any-time does not wait" in words
        stage.assert_right()


def test_without_the_key_one_follows_the_other(tmp_path: Path) -> None:
    """Nothing is waited for."""
    with staged(tmp_path, within_hours=None) as stage:
        assert stage.run() == "0 done"
        assert begun(stage)[0] < BEGINS + timedelta(minutes=5)
        assert not any("goes down from" in each for each in stage.said)


def test_any_time_does_not_wait(tmp_path: Path) -> None:
    """Whoever is in a hurry says so."""
    with staged(tmp_path, within_hours=24) as stage:
        stage.any_time = True
        assert stage.run() == "0 done"
        assert begun(stage)[0] < BEGINS + timedelta(minutes=5)


def test_who_is_killed_while_it_waits_goes_on_waiting(tmp_path: Path) -> None:
    """And finds the same hours again, hours later: the time that the work has does not begin anew."""
    with staged(tmp_path, within_hours=24) as stage:
        assert stage.run(kill(Point(kind=TRACE, name=Event.BEGAN, nth=1, side=AFTER))) == "killed"
        stage.time.sleep(3 * 3600.0)
        assert stage.run(kill(Point(kind=TRACE, name=Event.DONE, nth=1, side=AFTER))) == "killed"
        assert stage.run() == "0 done"
        assert [each.hour for each in begun(stage)] == [20, 20]
        assert begun(stage)[-1] < BEGINS + timedelta(hours=24)
        stage.assert_right()


def test_change_windows_come_first(tmp_path: Path) -> None:
    """The calmest hour outside a window is none; of those inside, the calmest is taken."""
    window = [{"start": "00:00", "end": "06:00"}]
    with staged(tmp_path, within_hours=24, window=window) as stage:
        assert stage.run() == "0 done"
        assert [each.hour for each in begun(stage)] == [3, 3]
        stage.assert_right()


def test_where_there_is_no_time_left_hosts_go_down_at_once(tmp_path: Path) -> None:
    """Six minutes are less than the first host takes: hours that cannot be met are not waited for."""
    with staged(tmp_path, within_hours=0.1) as stage:
        assert stage.run() == "0 done"
        assert begun(stage)[0] < BEGINS + timedelta(minutes=5)


def test_where_there_is_no_time_left_a_change_window_is_waited_for_aloud(tmp_path: Path) -> None:
    """Whoever watches is told when it opens."""
    with staged(tmp_path, within_hours=0.1, window=[{"start": "02:00", "end": "06:00"}]) as stage:
        assert stage.run() == "0 done"
        assert begun(stage)[0].hour == 2
        assert any("02:00 UTC on: rolling.within_hours leaves no time" in each for each in stage.said)


def test_a_stage_that_waits_for_an_approval_says_so_before_the_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is asked in the middle of the night: the command ends at once, and once it is approved waits."""

    def refuse(*_: object) -> NoReturn:
        raise ApprovalRefused("stage", "it is not approved", "Approve it")

    with staged(tmp_path, within_hours=24) as stage:
        with monkeypatch.context() as patch:
            patch.setattr(StageTurn, "approved", refuse)
            assert stage.run().startswith("8 ApprovalRefused")
        assert stage.time.now() < (BEGINS + timedelta(minutes=5)).timestamp()
        assert stage.run() == "0 done"
        assert [each.hour for each in begun(stage)] == [3, 3]


def meanwhile(stage: Stage, seconds: float, deed: Callable[[], None], hold: float = 0.0) -> list[str]:
    """Later somebody who uses the same state folder does something, and keeps the lock so long; how that ended."""
    ended: list[str] = []

    def other() -> None:
        stage.time.sleep(seconds)
        try:
            with pool_lock(stage.plans.stages[0].plan.made_from.pool, stage.folder):
                deed()
                stage.time.sleep(hold)
        except PoolLocked:
            ended.append("refused")
        else:
            ended.append("done")

    stage.time.start(other)
    return ended


def another_moves(stage: Stage) -> None:
    """A VM of the first host is moved to one that is not worked on."""
    hosts = [host["name_label"] for _, host in stage.simulator.database.items("host")]
    spare = next(name for name in hosts if name not in stage.plans.hosts)
    moved(stage, vms_on(stage, stage.plans.hosts[0])[0], spare)


def test_a_night_moves_vms_while_an_hour_is_waited_for(tmp_path: Path) -> None:
    """Where stages are planned anew: the lock is free, and what was proven before the wait is proven after it."""
    with staged(tmp_path, within_hours=24, plan_anew=True) as stage:
        night = meanwhile(stage, 3600.0, lambda: another_moves(stage))
        assert stage.run() == "0 done"
        assert night == ["done"]
        assert [line.stage for line in stage.lines if line.event is Event.ANEW][:1] == [1]
        assert [each.hour for each in begun(stage)] == [3, 3]
        stage.assert_right()


def test_without_that_word_nights_are_refused(tmp_path: Path) -> None:
    """Whatever they moved would end the work with code 4."""
    with staged(tmp_path, within_hours=24) as stage:
        night = meanwhile(stage, 3600.0, lambda: another_moves(stage))
        assert stage.run() == "0 done"
        assert night == ["refused"]
        assert [line for line in stage.lines if line.event is Event.ANEW] == []


def test_a_night_that_lasts_beyond_the_hour_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Aloud; where the hour is over then, the next one of least load is found."""
    monkeypatch.setattr(begin, "SLICE_SECONDS", 1200.0)
    with staged(tmp_path, within_hours=24, plan_anew=True) as stage:
        night = meanwhile(stage, 3600.0, lambda: None, hold=18 * 3600.0)
        assert stage.run() == "0 done"
        assert night == ["done"]
        assert len([each for each in stage.said if each.startswith("another run that uses this state folder")]) == 1
        assert min(begun(stage)) >= BEGINS + timedelta(hours=19)
        stage.assert_right()


def test_two_processes_do_not_go_on_with_the_same(tmp_path: Path) -> None:
    """Who finds that another one has written to the trace while it waited ends, and touches no host."""
    with staged(tmp_path, within_hours=24, plan_anew=True) as stage:

        def goes_on() -> None:
            (path,) = (tmp_path / "rolling").glob("*/trace.jsonl")
            path.write_bytes(2 * path.read_bytes())

        other = meanwhile(stage, 3600.0, goes_on)
        end = stage.run()
        assert end.startswith("5 RollingStopped: stopped: another process has gone on with this meanwhile"), end
        assert (other, begun(stage), stage.found) == (["done"], [], [])


def test_plans_have_to_last_as_long() -> None:
    """A policy that lets them expire before is refused; the sentence says which key to raise."""
    with pytest.raises(ValueError, match=r"plan\.expires_hours, which is 24"):
        policy(rolling={"within_hours": 25.0})
    assert policy(rolling={"within_hours": 25.0}, plan={"expires_hours": 25.0}).rolling.within_hours == 25.0
