"""Storms over the work on all hosts do no harm, and the judge of them sees harm where it is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from rebalancer.face.maintenance import Maintenance
from rebalancer.face.rolling import means, outage
from rebalancer.face.rolling.course import Course
from rebalancer.face.rolling.guests import PinnedGuests
from rebalancer.face.rolling.kept import KeptStage
from rebalancer.face.rolling.outage import Outage
from tests.storm.blows import kill
from tests.storm.executor import AFTER, CALL, Point
from tests.storm.rolling.stage import REBOOT, staged
from tests.storm.rolling.storm import Outcome, rolling_storm


def assert_harmless(outcome: Outcome) -> None:
    """Fail with what was wrong, and the weather in which it was."""
    assert outcome.found == [], "\n".join((outcome.name, *outcome.words, *outcome.ends))


@pytest.mark.parametrize("number", range(6))
def test_a_storm_does_no_harm(number: int) -> None:
    """No VM is lost or in two places, no host rebooted twice or with VMs, and all ends as planned."""
    assert_harmless(rolling_storm(1, number))


def test_the_judge_sees_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A product that looks at no host before it reboots it, nor after a kill, is found out."""
    monkeypatch.setattr(means, "unfit", lambda _pool, _host: ())
    monkeypatch.setattr(outage, "unfit", lambda _pool, _host: ())
    monkeypatch.setattr(Outage, "_went_down", lambda _self, _before, **_how: False)
    with staged(tmp_path) as stage:
        assert stage.run(kill(Point(kind=CALL, name=REBOOT, nth=1, side=AFTER))) == "killed"
        stage.time.sleep(400.0)
        stage.simulator.database.change("host", stage.host(stage.plans.hosts[0]), enabled=False)
        stage.run()
        assert any("is rebooted twice" in each for each in stage.found)


def test_the_judge_sees_vms_that_are_shut_down_too_early_or_stay_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A product that shuts VMs down before the others have left, and forgets to start them, is found out."""
    shut_down = PinnedGuests.shut_down
    left_by_all = Course._left_by_all

    def too_early(self: Course, stage: KeptStage, outing: Maintenance) -> str:
        shut_down(PinnedGuests(stage=stage, site=self._site, progress=self._progress))
        return left_by_all(self, stage, outing)

    monkeypatch.setattr(Course, "_left_by_all", too_early)
    monkeypatch.setattr(PinnedGuests, "start", lambda _self: None)
    with staged(tmp_path, pinned=1, hosts=0) as stage:
        stage.run()
        stage.judge_the_end()
        assert any("before its host is disabled, and left by all others" in each for each in stage.found)
        assert any("is on no host, and has to end on" in each for each in stage.found)
        assert any("is not as it was" in each for each in stage.found)
