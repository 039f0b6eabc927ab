"""What was begun is given up half-way: its host is in service again, its VMs are home, and all is planned anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from rebalancer.face.rolling.trace import Event
from tests.storm.blows import Strike, kill
from tests.storm.executor import AFTER, BEFORE, CALL, LINE, Executor, Killed, Point
from tests.storm.rolling.changes import halted
from tests.storm.rolling.stage import TRACE, Stage, staged

MOST = 40
"""Processes that a round of kills takes at most."""
PINNED = 2


def half_way(stage: Stage, number: int) -> Strike:
    """The process dies once the first VM of a stage, from 0, has moved, and the last one halts."""
    plans = [each.plan for each in stage.plans.stages]
    before, last = sum(len(plan.steps) for plan in plans[:number]), plans[number].steps[-1].vm

    def strike(executor: Executor) -> None:
        halted(stage, stage.simulator.database.by_uuid("VM", last))
        executor.die()
        raise Killed

    return Point(kind=LINE, name="looked", nth=before + 1, side=AFTER), strike


def stopped_half_way(stage: Stage) -> str:
    """The host that is half emptied, once the rest of its plan is no longer legal; its name."""
    number = next(at for at, each in enumerate(stage.plans.stages) if len(each.plan.steps) > 1)
    assert stage.run(half_way(stage, number)) == "killed"
    assert stage.run().startswith("5 StoppedHalfWay: stopped: stale plan: ")
    host = stage.plans.stages[number].host_name
    assert not stage.simulator.database.get("host", stage.host(host))["enabled"]
    return host


def away_in_words(stage: Stage) -> list[str]:
    """What was said of VMs that do not go home."""
    return [each for each in stage.said if "stays on its new host" in each]


def test_a_host_that_was_half_emptied(tmp_path: Path) -> None:
    """One command brings home whom it moved, and works on it from its beginning."""
    with staged(tmp_path) as stage:
        host = stopped_half_way(stage)
        assert stage.run(anew=True) == "0 done"
        stage.assert_right()
        served = f"{host} is back in service"
        assert stage.said.count(served) == 2
        assert away_in_words(stage) == []
        assert stage.conduct.rebooted[host] == 1


@pytest.mark.parametrize(("kind", "side"), [(CALL, BEFORE), (CALL, AFTER), (LINE, AFTER)])
def test_killed_while_it_gives_up(kind: str, side: str, tmp_path: Path) -> None:
    """Whoever types the same again comes to the same end."""
    with staged(tmp_path, version=None) as stage:
        stopped_half_way(stage)
        ends = [stage.run(kill(Point(kind=kind, name="", nth=nth, side=side)), anew=True) for nth in range(1, 9)]
        assert "killed" in ends
        while not ends[-1].startswith("0") and len(ends) < MOST:
            ends.append(stage.run(anew=True))
        assert ends[-1] == "0 done", ends
        stage.assert_right()
        assert away_in_words(stage) == []


def test_what_is_half_given_up_is_not_gone_on_with(tmp_path: Path) -> None:
    """Its host may be in service by then, and VMs home: whoever forgets `--anew` is told to type it once more."""
    with staged(tmp_path, version=None) as stage:
        stopped_half_way(stage)
        assert stage.run(kill(Point(kind=CALL, name="host.enable", nth=1, side=AFTER)), anew=True) == "killed"
        assert stage.run().startswith("5 RollingStopped: stopped: somebody has begun to give this up")
        assert stage.run(anew=True) == "0 done"
        stage.assert_right()


def test_who_cannot_go_home_is_named(tmp_path: Path) -> None:
    """A VM whose home others have filled meanwhile stays where it is, and that is said; nobody else does."""
    with staged(tmp_path) as stage:
        number = next(at for at, each in enumerate(stage.plans.stages) if len(each.plan.steps) > 1)
        first, host = stage.plans.stages[number].plan.steps[0], stage.plans.stages[number].host_name
        stopped_half_way(stage)
        vm = stage.simulator.database.by_uuid("VM", first.vm)
        stage.simulator.database.change("VM", vm, blocked_operations={"pool_migrate": "licence", "migrate_send": "x"})
        stage.run(anew=True)
        name = stage.simulator.database.get("VM", vm)["name_label"]
        assert [each.partition(":")[0] for each in away_in_words(stage)] == [f"VM {name} stays on its new host"]
        assert stage.found == []
        assert host in stage.plans.hosts


def test_a_host_that_may_go_down_is_not_taken_back(tmp_path: Path) -> None:
    """It was told to, and shows nothing of it yet: whoever is on it then would be off."""
    with staged(tmp_path) as stage:
        assert stage.run(kill(Point(kind=TRACE, name=Event.GOING, nth=2, side=AFTER))) == "killed"
        (host,) = (each["name_label"] for _, each in stage.simulator.database.items("host") if not each["enabled"])
        stage.run(anew=True)
        assert any(each.startswith(f"{host} stays in maintenance: it was told to go down") for each in stage.said)
        assert all(each.endswith(f": {host} is not in service") for each in away_in_words(stage))
        assert away_in_words(stage)
        assert not stage.simulator.database.get("host", stage.host(host))["enabled"]
        assert stage.found == []


def test_vms_that_are_off_are_started(tmp_path: Path) -> None:
    """Their host stays on: they run there again before hosts are planned."""
    with staged(tmp_path, pinned=PINNED, hosts=0) as stage:
        assert stage.run(kill(Point(kind=TRACE, name=Event.OFF, nth=1, side=AFTER))) == "killed"
        assert stage.run(anew=True) == "0 done"
        stage.assert_right()
        assert [each for each in stage.said if each.startswith("shut down, and still off")] == []


def test_vms_that_later_stages_would_have_led_home(tmp_path: Path) -> None:
    """Whoever waits for the last stage goes home at once: hosts that are planned anew know nothing of where that is."""
    with staged(tmp_path, hosts=0, version=None) as stage:
        away = next(at for at, each in enumerate(stage.plans.stages) if each.purpose == "return")
        assert stage.run(kill(Point(kind=TRACE, name=Event.STAGE, nth=away + 1, side=BEFORE))) == "killed"
        assert stage.homes() != stage.before
        assert stage.run(anew=True) == "0 done"
        stage.assert_right()
        assert stage.homes() == stage.before
