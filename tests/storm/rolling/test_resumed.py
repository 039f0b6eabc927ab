"""The work on all hosts goes on wherever it was killed, and reboots no host twice, nor one that is not empty."""

from __future__ import annotations

from pathlib import Path

import pytest

from rebalancer.face.rolling.downtime import downtimes
from rebalancer.face.rolling.kept import KeptRolling
from rebalancer.face.rolling.trace import OF_VMS, Event
from tests.storm.blows import kill
from tests.storm.executor import AFTER, BEFORE, CALL, HALF, Point
from tests.storm.rolling.conduct import SHUT_DOWN, START
from tests.storm.rolling.stage import REBOOT, TRACE, Stage, staged
from tests.storm.situations import BEGINS

LOOKS = 6.0
"""Seconds by which what was seen may come later than what it shows: a look, and a process that begins."""
MOST = 80
"""Processes that a round of kills takes at most."""

OF_PINNED_VMS = {Event.AUTO, Event.OFF, Event.ON, *OF_VMS}
"""Lines about VMs that cannot leave their host."""
OF_CHANGES = {Event.ANEW, Event.APPROVED, Event.AGREED}
"""Lines about what nobody is asked here, and plans that nobody has to make while nothing changes."""


@pytest.mark.parametrize(
    ("side", "nth", "pinned"),
    [(BEFORE, 2, 0), (HALF, 2, 0), (AFTER, 1, 0), (BEFORE, 2, 2), (HALF, 2, 2), (AFTER, 2, 2)],
)
def test_killed_at_each_line_in_turn_it_ends_as_if_it_never_was(
    side: str, nth: int, pinned: int, tmp_path: Path
) -> None:
    """Each process dies a line or two further than the last one: before it, half-way through, or right after."""
    with staged(tmp_path, pinned=pinned, hosts=0 if pinned else 2) as stage:
        point = Point(kind=TRACE, name="", nth=nth, side=side)
        ends = [stage.run(kill(point))]
        while ends[-1] == "killed" and len(ends) < MOST:
            ends.append(stage.run(kill(point)))
        assert ends[-1] == "0 done"
        lines = [line.event for line in stage.lines]
        assert ends.count("killed") >= (len(lines) - 1) // (2 if (side, nth) == (AFTER, 2) else 1)
        never = {Event.FAILED, Event.FORCING} | OF_CHANGES
        assert set(lines) == set(Event) - never - (set() if pinned else OF_PINNED_VMS)
        stage.assert_right()
        assert set(stage.conduct.rebooted.values()) == {1}
        assert_measured(stage)


def assert_measured(stage: Stage) -> None:
    """What is told of downtimes is what the pool has seen: from the call that asked at the earliest, a look longer."""
    (folder,) = (stage.folder / "rolling").iterdir()
    told = {each.vm: each for each in downtimes(KeptRolling(folder=folder), BEGINS)}
    seen = stage.judge.downtimes()
    assert told.keys() == seen.keys()
    for vm, each in told.items():
        assert (each.off_since, seen[vm] <= each.seconds <= seen[vm] + LOOKS) == (None, True)


@pytest.mark.parametrize("side", [BEFORE, AFTER])
@pytest.mark.parametrize("nth", [1, 2])
def test_killed_around_the_call_that_reboots(side: str, nth: int, tmp_path: Path) -> None:
    """Before it leaves, nothing has happened, and it is sent later; after that the host shows it, and it never is."""
    with staged(tmp_path) as stage:
        assert stage.run(kill(Point(kind=CALL, name=REBOOT, nth=nth, side=side))) == "killed"
        assert sum(stage.conduct.rebooted.values()) == nth - (side == BEFORE)
        assert stage.run() == "0 done"
        stage.assert_right()
        assert set(stage.conduct.rebooted.values()) == {1}


@pytest.mark.parametrize("call", [REBOOT, "host.disable", "host.enable"])
def test_cut_off_around_a_call(call: str, tmp_path: Path) -> None:
    """The answer is lost: what the host shows tells whether it was heard."""

    def cut(executor: object) -> None:
        executor.cut_until, executor.cut_side = executor.clock.monotonic() + 20.0, AFTER  # type: ignore[attr-defined]

    with staged(tmp_path) as stage:
        ends = [stage.run((Point(kind=CALL, name=call, nth=1, side=BEFORE), cut))]
        while not ends[-1].startswith("0") and len(ends) < 3:
            ends.append(stage.run())
        assert ends[-1] == "0 done", ends
        stage.assert_right()
        assert set(stage.conduct.rebooted.values()) == {1}


@pytest.mark.parametrize("side", [BEFORE, AFTER])
@pytest.mark.parametrize("call", [SHUT_DOWN, START])
def test_killed_around_the_calls_for_pinned_vms(call: str, side: str, tmp_path: Path) -> None:
    """Whoever was shut down is started, once; nobody stays off, and what was turned down is as it was."""
    with staged(tmp_path, pinned=2, hosts=0) as stage:
        assert stage.run(kill(Point(kind=CALL, name=f"Async.{call}", nth=1, side=side))) == "killed"
        assert stage.run() == "0 done"
        stage.assert_right()
        assert all(seconds > 0 for seconds in stage.judge.downtimes().values())
        assert_measured(stage)
        assert len(stage.judge.downtimes()) == 2
