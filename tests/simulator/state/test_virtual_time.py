"""Time of its own: threads take turns, hours pass in moments, and a simulator lives in it."""

from __future__ import annotations

import sys
import time
from threading import RLock

import pytest

from rebalancer.simulator import Simulator, VirtualTime, generate_pool
from rebalancer.simulator.calls.dispatch import Dispatcher
from rebalancer.simulator.state.virtual_time import EverybodyWaits


def test_hours_pass_in_moments() -> None:
    """A day is slept through at once, by both of its clocks."""
    ours, began = VirtualTime(1000.0), time.monotonic()
    ours.sleep(86400.0)
    assert (ours.now(), ours.monotonic()) == (87400.0, 86400.0)
    assert time.monotonic() - began < 60


def test_threads_take_turns_in_the_order_of_their_moments() -> None:
    """Two that sleep for different times write in one order, the same in every run."""
    ours, written = VirtualTime(0.0), list[tuple[str, float]]()

    def write(name: str, pause: float) -> None:
        for _ in range(3):
            ours.sleep(pause)
            written.append((name, ours.monotonic()))

    ours.start(lambda: write("slow", 3.0))
    ours.start(lambda: write("quick", 2.0))
    assert ours.drain() == 0
    assert written == [("quick", 2), ("slow", 3), ("quick", 4), ("slow", 6), ("quick", 6), ("slow", 9)]


def test_a_condition_wakes_its_waiters_before_their_time() -> None:
    """Whoever waits an hour goes on when somebody notifies after a second, and holds the lock again."""
    ours, lock = VirtualTime(0.0), RLock()
    changed, heard = ours.condition(lock), list[tuple[bool, float]]()

    def wait(seconds: float) -> None:
        with lock:
            heard.append((changed.wait(seconds), ours.monotonic()))

    ours.start(lambda: wait(3600.0))
    ours.start(lambda: wait(0.5))
    ours.sleep(1.0)
    with lock:
        changed.notify_all()
    assert ours.drain() == 0
    assert heard == [(False, 0.5), (True, 1.0)]


def test_an_event_is_waited_for() -> None:
    """Until it happens, or for so long."""
    ours = VirtualTime(0.0)
    event, heard = ours.event(), list[float]()
    ours.start(lambda: heard.append(event.wait(100.0) * ours.monotonic()))
    assert not event.wait(7.0)
    event.set()
    assert event.wait()
    assert ours.drain() == 0
    assert heard == [7.0]


def test_who_waits_for_ever_is_told_of() -> None:
    """A thread that nobody can wake is left over; the last one that could go on is told."""
    ours = VirtualTime(0.0)
    never, heard = ours.event(), list[bool]()
    ours.start(lambda: heard.append(never.wait()))
    assert ours.drain() == 1
    with pytest.raises(EverybodyWaits):
        never.wait()
    assert heard == []


def test_what_a_thread_raises_is_kept() -> None:
    """And the others go on."""
    ours = VirtualTime(0.0)
    ours.start(lambda: sys.exit(3))
    assert ours.drain() == 0
    assert [type(error) for error in ours.failures] == [SystemExit]


def test_a_simulator_lives_in_it() -> None:
    """A migration of some seconds takes none, and its task tells how long it took."""
    ours = VirtualTime(1.8e9)
    simulator = Simulator(generate_pool(hosts=2, vms=2, fill=0.3, pinned=0.0, days=1), timing=ours)
    call, database = Dispatcher(simulator.world).call, simulator.database
    host = simulator.world.coordinator
    _, session = call(host, "session.login_with_password", ["root", "simulator"])
    vm, record = next((ref, each) for ref, each in database.items("VM") if not each["is_control_domain"])
    target = next(ref for ref, _ in database.items("host") if ref != record["resident_on"])
    began = time.monotonic()
    _, task = call(host, "Async.VM.pool_migrate", [session, vm, target, {"live": "true"}])
    assert database.get("task", task)["status"] == "pending"
    assert ours.drain() == 0
    assert database.get("task", task)["status"] == "success"
    assert database.get("VM", vm)["resident_on"] == target
    assert ours.monotonic() > 2.0
    assert time.monotonic() - began < 60
