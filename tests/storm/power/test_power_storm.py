"""Storms over hosts that sleep and wake do no harm, runs go on wherever they were killed, and the judge sees harm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from rebalancer.execute import HostStage
from rebalancer.execute.power import switch
from rebalancer.face import sleeping
from tests.storm.blows import kill
from tests.storm.executor import AFTER, BEFORE, CALL, HALF, Point
from tests.storm.power.scene import Wishes
from tests.storm.power.stage import NOTE, Stage, staged
from tests.storm.power.storm import moves_a_vm, power_storm

MOST = 20
"""Processes that a round of kills takes at most."""


@pytest.mark.parametrize("number", range(4))
def test_a_storm_does_no_harm(number: int) -> None:
    """Nobody is switched off who is used, needed, coordinates, or was emptied by others; all are woken in the end."""
    outcome = power_storm(1, number).outcome
    assert outcome.found == [], "\n".join((outcome.name, *outcome.words, *outcome.ends))


@pytest.mark.parametrize("side", [BEFORE, HALF, AFTER])
def test_killed_at_later_and_later_lines_hosts_sleep_and_wake(side: str, tmp_path: Path) -> None:
    """Each process dies at a later one of its lines: before it, when half of it is written, or right after."""
    with staged(tmp_path, seed=3) as stage:
        until_done(lambda nth: stage.sleep(kill(Point(kind=NOTE, name="", nth=nth, side=side))))
        assert stage.judge.live() != set(stage.simulator.database.all("host"))
        until_done(lambda nth: stage.wake(kill(Point(kind=NOTE, name="", nth=nth, side=side)), everyone=True))
        stage.judge_the_end()
        assert stage.judge.found == [], "\n".join(stage.judge.found)
        told = {each.stage for each in stage.notes}
        assert told == set(HostStage) - {HostStage.FREE}


def until_done(process: Callable[[int], str]) -> None:
    """Begin the same process again, to be killed at its first line, its second and so on, until it is over before."""
    ends = [process(1)]
    while ends[-1] == "killed" and len(ends) < MOST:
        ends.append(process(len(ends) + 1))
    assert ends[-1] == "0 done", ends
    assert "killed" in ends


@pytest.mark.parametrize("call", ["host.disable", "host.shutdown", "host.power_on", "host.enable"])
@pytest.mark.parametrize("side", [BEFORE, AFTER])
def test_killed_around_each_call(call: str, side: str, tmp_path: Path) -> None:
    """Whether it was heard, the pool tells; what is told twice does no harm."""
    with staged(tmp_path, seed=3) as stage:
        point = Point(kind=CALL, name=call, nth=1, side=side)
        ends = [stage.sleep(kill(point)), stage.sleep()]
        stage.simulator.go_wrong("comes-back-disabled")
        ends += [stage.wake(kill(point), everyone=True), stage.wake(everyone=True)]
        assert ends.count("killed") == 1, ends
        assert (ends[1], ends[3]) == ("0 done", "0 done")
        stage.judge_the_end()
        assert stage.judge.found == [], "\n".join(stage.judge.found)


@pytest.mark.parametrize("wishes", [Wishes(spare=True), Wishes(ha=True)])
def test_hosts_to_spare_stay_on(wishes: Wishes, tmp_path: Path) -> None:
    """Fewer sleep than without; the judge, who adds up memory, agrees."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    counts = []
    for folder, each in (("a", Wishes()), ("b", wishes)):
        with staged(tmp_path / folder, each, seed=1) as stage:
            stage.level = 0.1
            assert stage.sleep() == "0 done"
            assert stage.judge.found == []
            counts.append(stage.conduct.switched_off)
    assert counts[1] < counts[0]


def test_the_judge_sees_who_is_switched_off_with_vms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A product that does not look whether somebody came is found out."""
    monkeypatch.setattr(switch, "guests_on", lambda *_: ())
    with staged(tmp_path, seed=3) as stage:
        come = Point(kind=NOTE, name=HostStage.CLOSING, nth=1, side=BEFORE)
        stage.sleep((come, lambda _executor: somebody_comes(stage)))
        assert any("is switched off with VMs" in each for each in stage.judge.found)


def somebody_comes(stage: Stage) -> None:
    """A VM is on the host that goes to sleep first, all at once."""
    host = next(each.host for each in stage.notes if each.stage is HostStage.EMPTIED)
    with stage.judge.others():
        moves_a_vm(stage, Random(1), stage.simulator.database.by_uuid("host", host))


def test_the_judge_sees_who_does_not_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor who is needed: a product that asks nobody why a host stays on is found out."""
    monkeypatch.setattr(sleeping, "stays_awake", lambda *_: "")
    with staged(tmp_path, seed=3) as stage:
        assert [stage.sleep(), stage.wake(everyone=True)] == ["0 done"] * 2
        stage.level = 9.0
        stage.sleep()
        assert any("s after it came up" in each for each in stage.judge.found)
        assert any("need more pCPUs" in each for each in stage.judge.found)


def test_the_judge_sees_who_was_emptied_by_others(tmp_path: Path) -> None:
    """An empty host that somebody switches off is not ours, however it came down."""
    with staged(tmp_path, seed=3) as stage:
        host = next(iter(sorted(set(stage.simulator.database.all("host")) - {stage.simulator.world.coordinator})))
        with stage.judge.others():
            for ref, vm in stage.simulator.database.items("VM"):
                if vm["resident_on"] == host and not vm["is_control_domain"]:
                    stage.simulator.database.change("VM", ref, resident_on=stage.simulator.world.coordinator)
        stage.conduct.at_going_down(host)
        assert any("others emptied it" in each for each in stage.judge.found)
