"""VMs whose guest does not react are switched off where the policy names them and has the word; nobody else is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import rebalancer as rb
from rebalancer.face.rolling.downtime import downtimes
from rebalancer.face.rolling.kept import KeptRolling
from rebalancer.face.rolling.trace import Event
from tests.storm.blows import Strike, kill
from tests.storm.executor import AFTER, BEFORE, CALL, Executor, Point
from tests.storm.record import Call
from tests.storm.rolling.conduct import PATIENCE, SHUT_DOWN, SWITCH_OFF
from tests.storm.rolling.scene import TAG, planned, policy, small_pool
from tests.storm.rolling.stage import TRACE, Stage
from tests.storm.situations import BEGINS

SEED = 1
WORDS = ["disable", "reboot", "shutdown-vm", "start-vm"]
WORD = "hard-shutdown-vm"
POOL = small_pool(SEED, 1)
((DEAF, RECORD),) = ((ref, vm) for ref, vm in POOL.records["VM"].items() if TAG in vm["tags"])
NAME, UUID = RECORD["name_label"], RECORD["uuid"]


def naming(*names: str, word: bool = True) -> rb.Policy:
    """A policy that names VMs to be switched off."""
    power = [*WORDS, WORD] if word else WORDS
    rolling = {"shut_down": [f"tag:{TAG}"], "hard_shut_down": names}
    return policy(pinned=True, execution={"power": power}, rolling=rolling)


@contextmanager
def deaf(folder: Path, listed: rb.Policy, now: rb.Policy | None = None) -> Iterator[Stage]:
    """A stage with a guest that does not react, planned under one policy, and carried out under that or another."""
    stage = Stage(folder, planned(POOL, listed, version=None), now or listed, seed=SEED)
    stage.simulator.go_wrong(f"shutdown-ignored:vm={NAME},seconds=60")
    with stage.opened():
        yield stage
        stage.close()


def switched_off(stage: Stage) -> list[Call]:
    """The calls that switched a VM off."""
    calls = [each for each in stage.record.events if isinstance(each, Call)]
    return [each for each in calls if SWITCH_OFF in each.method]


@pytest.mark.parametrize("name", [NAME, UUID])
def test_it_is_switched_off_once_its_time_is_over(name: str, tmp_path: Path) -> None:
    """Not before, although XAPI has given it up long since; it is started again, and told of as switched off."""
    with deaf(tmp_path, naming(name)) as stage:
        assert stage.run() == "0 done"
        stage.assert_right()
        at = {line.event: line.at for line in stage.lines if line.vm == UUID}
        assert (at[Event.FORCING] - at[Event.STOPPING]).total_seconds() >= PATIENCE
        assert len(switched_off(stage)) == 1
        (folder,) = (tmp_path / "rolling").iterdir()
        (told,) = downtimes(KeptRolling(folder=folder), BEGINS)
        assert (told.vm, told.hard) == (UUID, True)


@pytest.mark.parametrize(
    ("listed", "now"),
    [
        (naming(NAME, word=False), None),
        (naming(), None),
        (naming(NAME), naming(NAME, word=False)),
        (naming(NAME), naming()),
        (naming(NAME, word=False), naming(NAME)),
        (naming(), naming(NAME)),
    ],
    ids=["no word", "no name", "word taken back", "name taken back", "word not listed", "name not listed"],
)
def test_nobody_is_without_word_and_name(listed: rb.Policy, now: rb.Policy | None, tmp_path: Path) -> None:
    """Both when it is listed and at its turn: else its host stays on, and it runs on as protected as before."""
    with deaf(tmp_path, listed, now) as stage:
        end = stage.run()
        assert end.startswith("5 RollingStopped"), end
        assert f"{NAME} does not shut down" in end
        assert (switched_off(stage), stage.found) == ([], [])
        vm = stage.simulator.database.get("VM", DEAF)
        assert (vm["power_state"], vm["ha_restart_priority"]) == ("Running", RECORD["ha_restart_priority"])


def block(stage: Stage) -> None:
    """Somebody blocks it."""
    blocked = stage.simulator.database.get("VM", DEAF)["blocked_operations"]
    stage.simulator.database.change("VM", DEAF, blocked_operations={**blocked, "hard_shutdown": "no"})


def hold(stage: Stage) -> None:
    """Somebody holds it."""
    tags = stage.simulator.database.get("VM", DEAF)["tags"]
    stage.simulator.database.change("VM", DEAF, tags=[*tags, "rebalancer:hold"])


def hold_pool(stage: Stage) -> None:
    """Somebody holds the pool."""
    ((pool, _),) = stage.simulator.database.items("pool")
    stage.simulator.database.change("pool", pool, tags=["rebalancer:hold"])


def name_twice(stage: Stage) -> None:
    """Somebody calls another VM the same."""
    rows = stage.simulator.database.items("VM")
    other = next(ref for ref, vm in rows if ref != DEAF and not (vm["is_control_domain"] or vm["is_a_template"]))
    stage.simulator.database.change("VM", other, name_label=NAME)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (block, "somebody blocked hard_shutdown"),
        (hold, "it carries the tag rebalancer:hold"),
        (hold_pool, "the pool carries the tag rebalancer:hold"),
        (name_twice, "does not name it alone"),
    ],
)
def test_what_somebody_does_meanwhile_counts(change: Callable[[Stage], None], words: str, tmp_path: Path) -> None:
    """After it was asked, and before its time is over: it is not switched off, and why is told."""
    with deaf(tmp_path, naming(NAME)) as stage:
        asked: Strike = (Point(kind=TRACE, name=Event.STOPPING, nth=1, side=AFTER), lambda _: change(stage))
        end = stage.run(asked)
        assert end.startswith("5 RollingStopped"), end
        assert words in end.partition("; it is not switched off: ")[2]
        assert switched_off(stage) == []


def test_nobody_is_switched_off_whose_guest_was_never_asked(tmp_path: Path) -> None:
    """The call that asks does not get through: the host stays on, and the same command asks again."""

    def cut(executor: Executor) -> None:
        executor.cut_until, executor.cut_side = executor.clock.monotonic() + 20.0, BEFORE

    with deaf(tmp_path, naming(NAME)) as stage:
        end = stage.run((Point(kind=CALL, name=f"Async.{SHUT_DOWN}", nth=1, side=BEFORE), cut))
        assert end.startswith("5 RollingStopped"), end
        assert switched_off(stage) == []
        assert stage.run() == "0 done"
        assert len(switched_off(stage)) == 1
        assert stage.found == []


@pytest.mark.parametrize("side", [BEFORE, AFTER])
@pytest.mark.parametrize(("kind", "name"), [(TRACE, Event.FORCING), (CALL, f"Async.{SWITCH_OFF}")])
def test_it_goes_on_wherever_it_was_killed(kind: str, name: str, side: str, tmp_path: Path) -> None:
    """Around the line that announces it, and around the call: the guest is asked again where it still runs."""
    with deaf(tmp_path, naming(NAME)) as stage:
        assert stage.run(kill(Point(kind=kind, name=name, nth=1, side=side))) == "killed"
        assert stage.run() == "0 done"
        stage.assert_right()
