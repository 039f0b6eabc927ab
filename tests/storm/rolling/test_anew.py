"""Stages whose plan the pool does not allow any more at their turn: planned anew where the policy says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rebalancer.export import read_plan
from rebalancer.face.rolling.trace import Event
from tests.storm.blows import Strike, kill
from tests.storm.executor import AFTER, BEFORE, HALF, LINE, Executor, Killed, Point
from tests.storm.rolling.changes import freed, halted, moved, pinned, vms_on
from tests.storm.rolling.stage import TRACE, Stage, staged

MOST = 80
"""Processes that a round of kills takes at most."""
ANEW = {"plan_anew": True}


def spare(stage: Stage) -> str:
    """The name of a host that is not worked on."""
    names = (str(host["name_label"]) for _, host in stage.simulator.database.items("host"))
    return min(name for name in names if name not in stage.plans.hosts)


def somebody_leaves(stage: Stage) -> None:
    """A VM of the second host is moved away by hand."""
    moved(stage, vms_on(stage, stage.plans.hosts[1])[0], spare(stage))


def somebody_comes(stage: Stage) -> None:
    """A VM that the plan of the second host knows nothing of is brought there."""
    moved(stage, vms_on(stage, spare(stage))[0], stage.plans.hosts[1])


def somebody_stops(stage: Stage) -> None:
    """A VM of the second host is shut down by hand."""
    halted(stage, vms_on(stage, stage.plans.hosts[1])[0])


CHANGES = [somebody_leaves, somebody_comes, somebody_stops]
Change = Callable[[Stage], None]


def after(stage: Stage, event: Event, nth: int, change: Change, *, dies: bool = False) -> Strike:
    """*change* happens once the line stands in the trace so many times; the process may die there."""

    def strike(executor: Executor) -> None:
        change(stage)
        if dies:
            executor.die()
            raise Killed

    return Point(kind=TRACE, name=event, nth=nth, side=AFTER), strike


def lines(stage: Stage, event: Event) -> list[int]:
    """The numbers of the stages of which such a line tells."""
    return [line.stage for line in stage.lines if line.event is event]


@pytest.mark.parametrize("change", CHANGES)
def test_a_stage_is_planned_anew_and_its_vms_come_home(change: Change, tmp_path: Path) -> None:
    """The former plan is kept, both are told, and all who were taken away are back where they were then."""
    with staged(tmp_path, rolling=ANEW) as stage:
        assert stage.run(after(stage, Event.DONE, 2, change)) == "0 done"
        stage.assert_right()
        assert lines(stage, Event.ANEW)[0] == 3
        (kept,) = (tmp_path / "rolling").iterdir()
        made = read_plan(next((kept / "anew").glob("03-*-1")))
        former = read_plan(next((kept / "itinerary").glob("03-*")))
        assert made.digest != former.digest
        assert made.policy.limits.model_dump(exclude={"solve_seconds"}) == former.policy.limits.model_dump(
            exclude={"solve_seconds"}
        )
        assert any(f"{stage.plans.stages[2].host_name} is planned anew, because" in words for words in stage.said)


@pytest.mark.parametrize("change", [somebody_leaves, somebody_stops])
def test_without_the_word_of_the_policy_it_stops(change: Change, tmp_path: Path) -> None:
    """Nothing is done to the host; with the word, the same command goes on."""
    with staged(tmp_path) as stage:
        end = stage.run(after(stage, Event.DONE, 2, change))
        assert end.startswith("4 StalePlan: stale plan: 03-empty-"), end
        host = stage.simulator.database.get("host", stage.host(stage.plans.hosts[1]))
        assert (host["enabled"], lines(stage, Event.ANEW)) == (True, [])
        stage.policy = stage.policy.model_copy(
            update={"rolling": stage.policy.rolling.model_copy(update={"plan_anew": True})}
        )
        assert stage.run() == "0 done"
        stage.assert_right()


@pytest.mark.parametrize(("side", "nth"), [(BEFORE, 2), (HALF, 2), (AFTER, 1)])
def test_killed_at_each_line_in_turn_a_stage_is_planned_anew_once(side: str, nth: int, tmp_path: Path) -> None:
    """A plan that nobody wrote down is made once more; one that stands in the trace is carried out."""
    with staged(tmp_path, rolling=ANEW) as stage:
        assert stage.run(after(stage, Event.DONE, 2, somebody_leaves, dies=True)) == "killed"
        point = Point(kind=TRACE, name="", nth=nth, side=side)
        ends = [stage.run(kill(point))]
        while ends[-1] == "killed" and len(ends) < MOST:
            ends.append(stage.run(kill(point)))
        assert ends[-1] == "0 done"
        stage.assert_right()
        made = lines(stage, Event.ANEW)
        assert made[0] == 3
        assert len(made) == len(set(made))
        assert set(stage.conduct.rebooted.values()) == {1}


def test_a_plan_that_became_illegal_once_its_host_was_disabled(tmp_path: Path) -> None:
    """Nothing of it was begun: it is planned anew, and the host stays disabled meanwhile."""
    with staged(tmp_path, rolling=ANEW) as stage:
        assert stage.run(after(stage, Event.STAGE, 3, somebody_leaves)) == "0 done"
        stage.assert_right()
        assert lines(stage, Event.ANEW)[0] == 3
        events = [line.event for line in stage.lines if line.stage == 3]
        assert events.index(Event.STAGE) < events.index(Event.ANEW)


def test_a_way_home_that_became_illegal_half_way(tmp_path: Path) -> None:
    """The run stops; the same command plans the rest anew, from where the VMs are."""
    with staged(tmp_path, rolling=ANEW) as stage:
        steps = [step.vm for step in stage.plans.stages[1].plan.steps]

        def last_halts(executor: Executor) -> None:
            vm = next(ref for ref, record in stage.simulator.database.items("VM") if record["uuid"] == steps[-1])
            halted(stage, vm)
            executor.die()
            raise Killed

        done = len(stage.plans.stages[0].plan.steps)
        assert stage.run((Point(kind=LINE, name="looked", nth=done + 1, side=AFTER), last_halts)) == "killed"
        ends = [stage.run()]
        while not ends[-1].startswith("0") and len(ends) < 3:
            ends.append(stage.run())
        assert ends[-1] == "0 done", ends
        stage.assert_right()
        assert lines(stage, Event.ANEW)[0] == 2, ends


def test_where_there_is_no_other_plan_it_says_who_is_in_the_way(tmp_path: Path) -> None:
    """Code 4, the host untouched; once the VM may leave, the same command goes on."""
    came: list[str] = []

    def comes_to_stay(stage: Stage) -> None:
        came.append(vms_on(stage, spare(stage))[0])
        pinned(stage, came[0])
        somebody_comes(stage)

    with staged(tmp_path, rolling=ANEW) as stage:
        end = stage.run(after(stage, Event.DONE, 2, comes_to_stay))
        name = stage.simulator.database.get("VM", came[0])["name_label"]
        assert end.startswith("4 StalePlan"), end
        assert "cannot be planned anew: " in end
        assert name in end.partition("cannot be planned anew: ")[2]
        assert stage.simulator.database.get("host", stage.host(stage.plans.hosts[1]))["enabled"]
        assert lines(stage, Event.ANEW) == []
        freed(stage, came[0])
        assert stage.run() == "0 done"
        stage.assert_right()
