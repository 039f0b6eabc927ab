"""VMs of one order go at the same time, and come back so; what is done to one is watched whatever the others do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from rebalancer.face.rolling import guests
from rebalancer.face.rolling.downtime import downtimes
from rebalancer.face.rolling.kept import KeptRolling
from rebalancer.face.rolling.trace import Event
from rebalancer.whatif import pinned
from tests.cli.terminal import ROOT
from tests.storm.blows import kill
from tests.storm.executor import AFTER, BEFORE, CALL, Executor, Point
from tests.storm.record import Call
from tests.storm.rolling.conduct import PATIENCE, SHUT_DOWN, START
from tests.storm.rolling.scene import TAG, policy
from tests.storm.rolling.stage import TRACE, Stage
from tests.storm.rolling.three_pinned import at, staged
from tests.storm.situations import BEGINS

SHUTS, STARTS = 300, 200
SECONDS = 30.0
"""What looks and calls may take."""


def name_of(stage: Stage, vm: str) -> str:
    """The name of a VM."""
    database = stage.simulator.database
    return str(database.get("VM", database.by_uuid("VM", vm))["name_label"])


def slow(stage: Stage, *vms: str, shuts: float = SHUTS, starts: float = STARTS) -> None:
    """Guests take their time to shut down, and VMs to start."""
    for vm in vms:
        stage.simulator.go_wrong(f"shuts-down-slowly:vm={name_of(stage, vm)},seconds={shuts}")
        stage.simulator.go_wrong(f"starts-slowly:vm={name_of(stage, vm)},seconds={starts}")


def times_sent(stage: Stage, method: str, vms: Sequence[str]) -> list[int]:
    """How often each VM was told that."""
    refs = [stage.simulator.database.by_uuid("VM", vm) for vm in vms]
    calls = [each for each in stage.record.events if isinstance(each, Call) and method in each.method]
    return [sum(each.params[1] == ref for each in calls) for ref in refs]


def test_one_order_goes_at_once(tmp_path: Path) -> None:
    """All are asked before the first is off, and the next order once all are; none is off for longer than one alone."""
    with staged(tmp_path) as (stage, (first, second, last)):
        slow(stage, first, second, last)
        assert stage.run() == "0 done"
        stage.assert_right()
        asked = {vm: at(stage, Event.STOPPING, vm) for vm in (first, second, last)}
        off = {vm: at(stage, Event.HALTED, vm) for vm in asked}
        assert off[last] <= min(asked[first], asked[second])
        assert max(asked[first], asked[second]) < min(off[first], off[second])
        tried = {vm: at(stage, Event.STARTING, vm) for vm in asked}
        ran = {vm: at(stage, Event.RUNS, vm) for vm in asked}
        assert max(tried[first], tried[second]) < min(ran[first], ran[second]) < tried[last]
        assert off[first] - asked[first] < SHUTS + SECONDS
        (folder,) = (tmp_path / "rolling").iterdir()
        one, two, three = sorted(each.seconds for each in downtimes(KeptRolling(folder=folder), BEGINS))
        assert abs(one - two) < SECONDS
        assert three > two + SHUTS + STARTS


@pytest.mark.parametrize("deaf", [0, 1])
def test_who_does_not_react_holds_up_nobody(deaf: int, tmp_path: Path) -> None:
    """The other one is seen off when it is, although XAPI still waits; then it stops, and the same command goes on."""
    with staged(tmp_path) as (stage, vms):
        names = [name_of(stage, vm) for vm in vms]
        stage.simulator.go_wrong(f"shutdown-ignored:vm={names[deaf]},seconds=900")
        other = 1 - deaf
        end = stage.run()
        assert end.startswith("5 RollingStopped"), end
        assert f"{names[deaf]} does not shut down: VM_FAILED_SHUTDOWN_ACKNOWLEDGMENT" in end
        listed = [name for name in names if name != names[deaf]]
        told = end.partition("shut down already: ")[2].partition(";")[0]
        assert sorted(told.split(", ")) == sorted(listed)
        assert at(stage, Event.HALTED, vms[other]) - at(stage, Event.STOPPING, vms[other]) < SECONDS
        assert times_sent(stage, SHUT_DOWN, vms) == [1, 1, 1]
        assert stage.run() == "0 done"
        stage.assert_right()
        assert times_sent(stage, SHUT_DOWN, vms)[deaf] == 2
        assert times_sent(stage, SHUT_DOWN, vms)[other] == 1


def test_each_has_its_own_time(tmp_path: Path) -> None:
    """Where neither reacts, both are named, once the time of both is over and not twice that."""
    with staged(tmp_path) as (stage, vms):
        names = [name_of(stage, vm) for vm in vms]
        for name in names[:2]:
            stage.simulator.go_wrong(f"shutdown-ignored:vm={name},seconds=9000")
        began = stage.time.monotonic()
        end = stage.run()
        assert [f"{name} does not shut down: not within 20 min" in end for name in names] == [True, True, False]
        asked = [at(stage, Event.STOPPING, vm) for vm in vms[:2]]
        over = BEGINS.timestamp() + stage.time.monotonic()
        assert PATIENCE <= over - max(asked) < PATIENCE + SECONDS
        assert began < PATIENCE


def test_who_is_switched_off_holds_up_nobody(tmp_path: Path) -> None:
    """The one that the policy names is, once its time is over; the other one was seen off long before."""
    words = ["disable", "reboot", "shutdown-vm", "start-vm", "hard-shutdown-vm"]
    with staged(tmp_path) as (unnamed, (first, _, _)):
        name = name_of(unnamed, first)
    rolling = {"shut_down": [f"tag:{TAG}"], "hard_shut_down": [name]}
    wanted = policy(pinned=True, execution={"power": words}, rolling=rolling)
    with staged(tmp_path / "named", wanted) as (stage, (deaf, other, _)):
        stage.simulator.go_wrong(f"shutdown-ignored:vm={name},seconds=60")
        assert stage.run() == "0 done"
        stage.assert_right()
        assert at(stage, Event.FORCING, deaf) - at(stage, Event.STOPPING, deaf) >= PATIENCE
        assert at(stage, Event.HALTED, other) - at(stage, Event.STOPPING, other) < SECONDS


def around(method: str, nth: int) -> list[Point]:
    """The line that announces what a VM is told, and the call, with those before it on their way."""
    names = {TRACE: {SHUT_DOWN: Event.STOPPING, START: Event.STARTING}[method], CALL: f"Async.{method}"}
    return [Point(kind=kind, name=names[kind], nth=nth, side=side) for kind in names for side in (BEFORE, AFTER)]


@pytest.mark.parametrize("point", [*around(SHUT_DOWN, 3), *around(START, 2)], ids=str)
def test_who_is_on_the_way_is_not_told_twice(point: Point, tmp_path: Path) -> None:
    """Whoever was told before the kill shows it, and is waited for; only who was not told is told again."""
    with staged(tmp_path) as (stage, vms):
        slow(stage, *vms)
        assert stage.run(kill(point)) == "killed"
        assert stage.run() == "0 done"
        stage.assert_right()
        unsent = (point.kind, point.side) == (CALL, BEFORE)
        told = {SHUT_DOWN: times_sent(stage, SHUT_DOWN, vms), START: times_sent(stage, START, vms)}
        killed = SHUT_DOWN if point.nth == 3 else START
        assert {method: sorted(times) for method, times in told.items()} == {
            method: [1, 1, 1 + (unsent and method == killed)] for method in told
        }


def test_nobody_else_is_asked_once_xapi_refuses_one(tmp_path: Path) -> None:
    """The host stays on, so whoever was not asked stays on as well; the same command asks those that are left."""
    with staged(tmp_path) as (stage, vms):

        def refuse(_executor: Executor) -> None:
            stage.simulator.go_wrong(f"refused:method=Async.{SHUT_DOWN},code=NOT_TODAY")

        end = stage.run((Point(kind=TRACE, name=Event.STOPPING, nth=2, side=AFTER), refuse))
        assert end.startswith("5 RollingStopped"), end
        assert f"does not shut down: Async.{SHUT_DOWN}: " in end
        assert "NOT_TODAY" in end
        assert f"shut down already: {name_of(stage, vms[2])};" in end
        assert sorted(times_sent(stage, SHUT_DOWN, vms)) == [0, 1, 1]
        assert stage.run() == "0 done"
        stage.assert_right()


def test_who_is_on_the_way_is_waited_for_where_the_pool_is_lost(tmp_path: Path) -> None:
    """Before the other one is asked: who was is seen off, then the command ends; the same one asks the other."""
    with staged(tmp_path) as (stage, vms):
        slow(stage, *vms)

        def cut(executor: Executor) -> None:
            executor.cut_until, executor.cut_side = executor.clock.monotonic() + 100.0, BEFORE

        end = stage.run((Point(kind=CALL, name=f"Async.{SHUT_DOWN}", nth=2, side=AFTER), cut))
        assert end.startswith("1 "), end
        assert sorted(times_sent(stage, SHUT_DOWN, vms)) == [0, 1, 1]
        assert sum(line.event is Event.HALTED for line in stage.lines) == 2
        assert stage.run() == "0 done"
        stage.assert_right()
        assert times_sent(stage, SHUT_DOWN, vms) == [1, 1, 1]


def test_the_judge_sees_who_keeps_to_no_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A product that shuts all down at once, and starts them so, is found out."""
    monkeypatch.setattr(guests, "waves", lambda listed, _order_of: [tuple(listed)])
    with staged(tmp_path) as (stage, vms):
        slow(stage, *vms)
        stage.run()
        for words in ("of a higher order", "of a lower order"):
            assert any(words in each for each in stage.found)


@pytest.mark.parametrize(("most", "estimate", "measured"), [(1, 39.0, 16.1), (10, 34.5, 11.6)])
def test_what_is_gained(
    most: int, estimate: float, measured: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three of one order, which take as long as is assumed: minutes that they are off together, as docs tell them."""
    monkeypatch.setattr(pinned, "AT_ONCE", most)
    with staged(tmp_path, orders=("0", "0", "0")) as (stage, vms):
        slow(stage, *vms, shuts=pinned.SHUTDOWN_SECONDS, starts=pinned.START_SECONDS)
        assert stage.run() == "0 done"
        stage.assert_right()
        estimated = sum(each.seconds for planned in stage.plans.stages for each in planned.shut_down)
        assert estimated / 60 == estimate
        assert sum(stage.judge.downtimes().values()) / 60 == pytest.approx(measured, abs=0.3)
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    assert f"{estimate:.1f} min by estimate, {measured:.1f} in the pool" in page
