"""One blocked call tells of tasks and VMs; nothing is missed between two, and it can be ended at any moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rebalancer.errors import RefusedByXapi, Unreachable
from rebalancer.simulator import Simulator, generate_pool
from rebalancer.simulator.calls.dispatch import Dispatcher
from rebalancer.xapi import LivePool, News, TaskStatus, Trust, live_pool
from tests.xapi.moves import ROOT, possible_move
from tests.xapi.scripted import CLOSE, scripted, success

POOL = generate_pool(hosts=3, vms=6, seed=1)
LONG = 25.0
"""Seconds for which nobody waits here: what is tested ends before."""


@pytest.fixture(params=[False, True], ids=["http", "https"])
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """A running pool whose moves take a moment."""
    with Simulator(POOL, speed=100, tls=request.param, login_delay=0.0) as running:
        yield running


@pytest.fixture
def live(simulator: Simulator) -> Iterator[LivePool]:
    """The same pool, to be changed."""
    pin = simulator.certificate_fingerprint
    with live_pool(simulator.url, ROOT, Trust(fingerprints=frozenset([pin])) if pin else Trust()) as pool:
        yield pool


@pytest.fixture
def vm(live: LivePool) -> str:
    """A VM of the pool."""
    return possible_move(live).vm


def listened(live: LivePool, vm: str) -> LivePool:
    """*live*, once it was told how *vm* stands."""
    assert live.news([], [vm], LONG) == News(vms=frozenset([vm]))
    return live


def change(simulator: Simulator, vm: str) -> None:
    """Change a VM behind everybody's back."""
    simulator.database.change("VM", simulator.database.by_uuid("VM", vm), name_label="changed")


def test_a_task_is_told_of_until_its_end(live: LivePool) -> None:
    """Progress, success, and that it is gone."""
    move = possible_move(live)
    task = live.migrate(move.vm, move.target)
    told = [live.news([task], [], LONG).tasks[task]]
    while told[-1].status is TaskStatus.PENDING:
        told.append(live.news([task], [], LONG).tasks[task])
    assert told[-1].status is TaskStatus.SUCCESS
    assert [each.progress for each in told] == sorted(each.progress for each in told)
    live.forget(task)
    assert live.news([task], [], LONG).tasks[task].status is TaskStatus.VANISHED


def test_what_happens_between_two_calls_is_told(simulator: Simulator, live: LivePool, vm: str) -> None:
    """A change while nobody listens is told by the next call; one that is asked for the first time as well."""
    other = next(uuid for uuid in live.read().vms if uuid != vm)
    listened(live, vm)
    change(simulator, vm)
    change(simulator, other)
    assert live.news([], [vm, other], LONG) == News(vms=frozenset([vm, other]))


def test_silence_ends_in_time(live: LivePool, vm: str) -> None:
    """Nothing happens: nothing is told, and the next call is told what happens then."""
    assert listened(live, vm).news([], [vm], 0.01) == News()


def test_a_storm_of_other_events_is_not_heard(
    simulator: Simulator, live: LivePool, vm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of changes elsewhere neither wake the call nor come with the answer."""
    listened(live, vm)
    answers, answer = list[tuple[str, Any]](), Dispatcher.call

    def call(self: Dispatcher, host: str, method: str, params: list[Any]) -> tuple[str, Any]:
        answers.append(answer(self, host, method, params))
        return answers[-1]

    def storm() -> None:
        for number in range(5000):
            simulator.database.change("VM", others[number % len(others)])
        change(simulator, vm)

    monkeypatch.setattr(Dispatcher, "call", call)
    others = [ref for ref, record in simulator.database.items("VM") if record["uuid"] != vm]
    thread = threading.Thread(target=storm)
    thread.start()
    assert live.news([], [vm], LONG) == News(vms=frozenset([vm]))
    thread.join()
    assert [len(batch["events"]) for _, batch in answers] == [1]


def once_asked(monkeypatch: pytest.MonkeyPatch, then: Callable[[], None]) -> None:
    """Do *then* as soon as a call for events has reached the simulator."""
    answer = Dispatcher.call

    def call(self: Dispatcher, host: str, method: str, params: list[Any]) -> tuple[str, Any]:
        if method == "event.from":
            then()
        return answer(self, host, method, params)

    monkeypatch.setattr(Dispatcher, "call", call)


def test_it_is_woken_while_it_waits(live: LivePool, vm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks to stop does not wait for the host's answer; the next call is told how all stands."""
    listened(live, vm)
    began = time.monotonic()
    with monkeypatch.context() as patch:
        once_asked(patch, live.wake)
        assert live.news([], [vm], LONG) == News()
    assert time.monotonic() - began < LONG
    listened(live, vm)


def test_it_is_woken_before_it_waits(live: LivePool, vm: str) -> None:
    """A signal just before the call: nothing is sent."""
    listened(live, vm)
    live.wake()
    assert live.news([], [vm], LONG) == News()
    assert live.whereabouts(vm).resident_on


@pytest.mark.parametrize("code", ["EVENT_FROM_TOKEN_PARSE_FAILURE", "EVENTS_LOST", "MESSAGE_METHOD_UNKNOWN"])
def test_a_refusal_is_told_and_forgotten(simulator: Simulator, live: LivePool, vm: str, code: str) -> None:
    """The next call begins anew: how all stand is told at once."""
    listened(live, vm)
    simulator.faults.add("refused", method="event.from", code=code)
    with pytest.raises(RefusedByXapi, match=code):
        live.news([], [vm], LONG)
    listened(live, vm)


def test_a_new_login_begins_anew(simulator: Simulator, live: LivePool, vm: str) -> None:
    """Tokens of a session that is gone say nothing: the toolstack may have started again since."""
    listened(live, vm)
    simulator.faults.add("session-expires", method="event.from")
    with pytest.raises(RefusedByXapi, match="SESSION_INVALID"):
        live.news([], [vm], LONG)
    live.whereabouts(vm)
    listened(live, vm)


@pytest.mark.parametrize(
    "answer",
    [
        success("x"),
        success({"events": "x", "token": "1"}),
        success({"events": [{"class": "vm", "ref": "r", "operation": "mod"}], "token": "1"}),
        success({"events": []}),
        CLOSE,
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
    ],
)
def test_an_answer_that_is_none_is_no_news(answer: bytes | str) -> None:
    """Whatever comes instead of events: whoever asks hears that nobody tells."""
    with scripted([success("OpaqueRef:S"), success("OpaqueRef:V"), answer, answer, answer]) as server:
        live = live_pool(server.url, ROOT, Trust(), timeout_seconds=2.0)
        with pytest.raises(Unreachable):
            live.news([], ["vm"], LONG)
