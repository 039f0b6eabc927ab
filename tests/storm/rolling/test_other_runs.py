"""While a host boots the lock in the pool is free: another run may write then, and both end with a legal pool."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rebalancer.execute.claim.holder import Holder
from rebalancer.execute.claim.pool_claim import LEASE, LOCK
from rebalancer.face.rolling.trace import Event
from tests.storm.executor import AFTER, Executor, Point
from tests.storm.rolling.changes import moved, vms_on
from tests.storm.rolling.stage import TRACE, Stage, staged


def hold(stage: Stage) -> None:
    """A run on another machine holds the lock in the pool, and was seen just now."""
    now = datetime.fromtimestamp(stage.time.now(), UTC).isoformat()
    other = Holder(run="other", host="elsewhere", user="cron", process="1", since=now)
    set_gui_config(stage, {LOCK: other.text, f"{LEASE}other:1": now})


def set_gui_config(stage: Stage, value: dict[str, str]) -> None:
    """What stands in `gui_config` of the pool."""
    ((ref, _),) = stage.simulator.database.items("pool")
    stage.simulator.database.change("pool", ref, gui_config=value)


def at(event: Event, deed: Callable[[], None]) -> tuple[Point, Callable[[Executor], None]]:
    """The *deed* is done once the line stands in the trace."""
    return Point(kind=TRACE, name=event, nth=1, side=AFTER), lambda _executor: deed()


@pytest.mark.parametrize("event", [Event.STAGE, Event.EMPTY, Event.SENT, Event.BACK])
def test_a_run_that_holds_the_lock_is_heeded(event: Event, tmp_path: Path) -> None:
    """Nothing is done to a host as long as it does; then the same command goes on."""
    with staged(tmp_path) as stage:
        end = stage.run(at(event, lambda: hold(stage)))
        assert end.startswith("1 PoolLocked") or (event is Event.EMPTY and "run other of cron on elsewhere" in end), end
        rebooted = sum(stage.conduct.rebooted.values())
        assert rebooted == int(event in {Event.SENT, Event.BACK})
        set_gui_config(stage, {})
        assert stage.run() == "0 done"
        stage.assert_right()
        assert set(stage.conduct.rebooted.values()) == {1}


def test_what_another_run_moved_while_a_host_booted_is_seen(tmp_path: Path) -> None:
    """The stage whose plan that made illegal is refused, or planned anew where the policy says so."""

    def others_move() -> None:
        first, second = stage.plans.hosts
        hosts = [host["name_label"] for _, host in stage.simulator.database.items("host")]
        moved(stage, vms_on(stage, second)[0], next(name for name in hosts if name not in {first, second}))

    with staged(tmp_path) as stage:
        assert stage.run(at(Event.SENT, others_move)).startswith("4 StalePlan")
        assert sum(stage.conduct.rebooted.values()) == 1
        rolling = stage.policy.rolling.model_copy(update={"plan_anew": True})
        stage.policy = stage.policy.model_copy(update={"rolling": rolling})
        assert stage.run() == "0 done"
        stage.assert_right()
