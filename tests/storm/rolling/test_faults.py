"""Whatever a host does that goes down, the work stops legal, with the right words, or goes on; then it ends well."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rebalancer.face.rolling.trace import Event
from rebalancer.simulator.migration import boots
from tests.storm.executor import AFTER, BEFORE, Executor, Point
from tests.storm.rolling.stage import TRACE, Stage, staged

FIRST, SECOND = 0, 1
"""Which of the two hosts it happens to; the first is the coordinator."""


def power_on(stage: Stage, host: str) -> None:
    """Somebody at its console switches the host on."""
    boots.boot(stage.simulator.world, host)
    stage.time.sleep(400.0)


def reboot(stage: Stage, host: str) -> None:
    """Somebody at its console reboots the host."""
    stage.reboot(host)


def plug(stage: Stage, host: str) -> None:
    """Somebody plugs its storage."""
    stage.plug(host)


def wait(stage: Stage, _host: str) -> None:
    """Somebody waits an hour."""
    stage.time.sleep(3600.0)


@pytest.mark.parametrize("which", [FIRST, SECOND])
@pytest.mark.parametrize(
    ("fault", "words", "remedy"),
    [
        ("boot-fails", ("does not see {name} live", "the pool does not answer"), power_on),
        ("boots-slowly:seconds=4000", ("does not see {name} live", "the pool does not answer"), wait),
        ("comes-back-old", ("{name} runs platform version 3.4.0, not 99.0.0",), reboot),
        ("comes-back-unplugged", ("storage that {name} had is not plugged: ",), plug),
    ],
)
def test_a_host_that_is_not_back_stops_it_until_it_is(
    fault: str, words: tuple[str, ...], remedy: Callable[[Stage, str], None], which: int, tmp_path: Path
) -> None:
    """Code 5, and what is missing; a second attempt says the same, and it goes on once the host was set right."""
    with staged(tmp_path) as stage:
        name = stage.plans.hosts[which]
        kind, _, settings = fault.partition(":")
        stage.simulator.go_wrong(f"{kind}:host={name}{',' if settings else ''}{settings}")
        for _ in range(2):
            end = stage.run()
            assert end.startswith("5 RollingStopped"), end
            assert any(each.format(name=name) in end for each in words), end
            assert f"{name} is not told to go down again" in end
            if remedy is wait:
                break
        assert stage.found == []
        remedy(stage, stage.host(name))
        assert stage.run() == "0 done"
        stage.assert_right()
        assert set(stage.conduct.rebooted.values()) == {1}


@pytest.mark.parametrize("fault", ["boots-slowly:seconds=600,host={name}", "comes-back-disabled:host={name}"])
def test_a_host_that_is_late_or_disabled_stops_nothing(fault: str, tmp_path: Path) -> None:
    """It is waited for, and enabled."""
    with staged(tmp_path) as stage:
        stage.simulator.go_wrong(fault.format(name=stage.plans.hosts[SECOND]))
        assert stage.run() == "0 done"
        stage.assert_right()


@pytest.mark.parametrize("moment", [Event.EMPTY, Event.GOING])
def test_nobody_is_rebooted_who_is_not_empty(moment: Event, tmp_path: Path) -> None:
    """A VM that somebody brings to the host, however shortly before, keeps it up; once it is gone, the work goes on."""
    with staged(tmp_path) as stage:
        database, host = stage.simulator.database, stage.host(stage.plans.hosts[FIRST])
        vm, elsewhere = next(
            (ref, vm["resident_on"])
            for ref, vm in database.items("VM")
            if vm["power_state"] == "Running" and not vm["is_control_domain"] and vm["resident_on"] != host
        )

        def come(_executor: Executor) -> None:
            move(stage, vm, host)

        end = stage.run((Point(kind=TRACE, name=moment, nth=1, side=AFTER if moment is Event.GOING else BEFORE), come))
        assert end.startswith("5 RollingStopped"), end
        assert "is not empty: " in end
        assert "was not rebooted by this" in end or "is not rebooted" in end
        assert not stage.conduct.rebooted
        move(stage, vm, elsewhere)
        assert stage.run() == "0 done"
        stage.assert_right()


def move(stage: Stage, vm: str, host: str) -> None:
    """A VM is on a host all at once."""
    database = stage.simulator.database
    before = database.get("VM", vm)["resident_on"]
    with database.lock:
        database.change("VM", vm, resident_on=host)
        left = [each for each in database.get("host", before)["resident_VMs"] if each != vm]
        database.change("host", before, resident_VMs=left)
        database.change("host", host, resident_VMs=[*database.get("host", host)["resident_VMs"], vm])


@pytest.mark.parametrize("kind", ["pool", "host"])
def test_a_hold_tag_keeps_hosts_up(kind: str, tmp_path: Path) -> None:
    """It ends with code 9 before the host is rebooted, and goes on once the tag is removed."""
    with staged(tmp_path) as stage:
        database = stage.simulator.database
        refs = {"pool": next(ref for ref, _ in database.items("pool")), "host": stage.host(stage.plans.hosts[FIRST])}

        def tag(_executor: Executor) -> None:
            database.change(kind, refs[kind], tags=["rebalancer:hold"])

        end = stage.run((Point(kind=TRACE, name=Event.EMPTY, nth=1, side=AFTER), tag))
        assert end.startswith("9 "), end
        assert "carries the tag rebalancer:hold" in end
        assert not stage.conduct.rebooted
        database.change(kind, refs[kind], tags=[])
        assert stage.run() == "0 done"
        stage.assert_right()


def test_people_are_waited_for_and_what_the_host_shows_counts(tmp_path: Path) -> None:
    """That somebody typed the command again is not taken for a reboot."""
    with staged(tmp_path, version=None) as stage:
        stage.asks_people = True
        for name in stage.plans.hosts:
            for _ in range(2):
                assert f"{name} is disabled and empty: reboot it" in stage.run()
            stage.reboot(stage.host(name))
        assert stage.run() == "0 done"
        stage.assert_right()
