"""VMs of one host come back by their order, with the delay of an order between it and the next, over kills as well."""

from __future__ import annotations

from pathlib import Path

import pytest

from rebalancer.face.rolling.trace import Event
from rebalancer.simulator.migration import power
from tests.storm.blows import kill
from tests.storm.executor import AFTER, Point
from tests.storm.rolling.stage import TRACE, Stage
from tests.storm.rolling.three_pinned import DELAY, at, staged


@pytest.mark.parametrize("killed", [0, 1, 2])
def test_the_next_order_waits_once_for_the_longest_delay(killed: int, tmp_path: Path) -> None:
    """From when the last of the order runs; not between VMs of one order, and not after the last order."""
    with staged(tmp_path) as (stage, (first, second, last)):
        if killed:
            point = Point(kind=TRACE, name=Event.RUNS, nth=killed, side=AFTER)
            assert stage.run(kill(point)) == "killed"
        assert stage.run() == "0 done"
        stage.assert_right()
        ran = max(at(stage, Event.RUNS, vm) for vm in (first, second))
        assert DELAY <= at(stage, Event.STARTING, last) - ran < DELAY + 30
        assert abs(at(stage, Event.RUNS, first) - at(stage, Event.RUNS, second)) < DELAY
        on = next(line.at.timestamp() for line in stage.lines if line.event is Event.ON)
        assert on - at(stage, Event.RUNS, last) < 30


def test_whoever_was_started_by_hand_is_seen_running(tmp_path: Path) -> None:
    """One does not start and is named; somebody starts it, and the same command goes on without a second attempt."""
    with staged(tmp_path) as (stage, (first, _, _)):
        database = stage.simulator.database
        name = database.get("VM", database.by_uuid("VM", first))["name_label"]
        stage.simulator.go_wrong(f"start-fails:vm={name}")
        end = stage.run()
        assert end.startswith("5 RollingStopped"), end
        assert f"{name} does not start on " in end
        start_by_hand(stage, first)
        assert stage.run() == "0 done"
        stage.assert_right()
        assert [line.vm for line in stage.lines if line.event is Event.STARTING].count(first) == 1


def start_by_hand(stage: Stage, vm: str) -> None:
    """Somebody starts a VM where it was before."""
    world = stage.simulator.world
    ref, host = world.database.by_uuid("VM", vm), stage.before[vm]
    power.start(world, "", ref, [world.database.by_uuid("host", host)])
