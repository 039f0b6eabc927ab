"""An inventory that is brought up to date: as fresh as one that is read, and read again where that is in doubt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rebalancer.errors import Unreachable
from rebalancer.inventory.records import CLASSES
from rebalancer.simulator import Simulator, generate_pool
from rebalancer.simulator.calls.dispatch import Dispatcher
from rebalancer.xapi import ReadSession, Trust, connect, read_pool
from rebalancer.xapi.reading.kept import KeptInventory
from tests.xapi.moves import ROOT

POOL = generate_pool(hosts=3, vms=6, seed=1)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A running pool."""
    with Simulator(POOL, login_delay=0.0) as running:
        yield running


@pytest.fixture
def session(simulator: Simulator) -> Iterator[ReadSession]:
    """A login to it."""
    with connect(simulator.url, ROOT, Trust()) as session:
        yield session


@pytest.fixture
def kept(session: ReadSession) -> KeptInventory:
    """Its inventory, once it was read."""
    inventory = KeptInventory(session)
    assert inventory.read() == read_pool(session)
    return inventory


@pytest.fixture
def calls(simulator: Simulator, kept: KeptInventory, monkeypatch: pytest.MonkeyPatch) -> list[str]:  # noqa: ARG001 - after them
    """What reaches the simulator from now on."""
    return calls_of(monkeypatch)


def calls_of(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What reaches a simulator from now on."""
    heard, answer = list[str](), Dispatcher.call

    def call(self: Dispatcher, host: str, method: str, params: list[Any]) -> tuple[str, Any]:
        heard.append(method)
        return answer(self, host, method, params)

    monkeypatch.setattr(Dispatcher, "call", call)
    return heard


def whole_readings(calls: list[str]) -> int:
    """How often everything was read."""
    return calls.count("VM.get_all_records")


def test_a_look_asks_for_changes_only(kept: KeptInventory, calls: list[str], simulator: Simulator) -> None:
    """One call, and whatever somebody changed is there: a VM, a measurement, a host that is off."""
    database = simulator.database
    (vm, record), *_ = database.items("VM")
    database.change("VM", vm, tags=["gold"])
    host, of_host = next(database.items("host"))
    database.change("host_metrics", of_host["metrics"], live=False)
    pool = kept.read()
    assert calls == ["event.from"]
    assert pool.vms[record["uuid"]].tags == ("gold",)
    assert pool.hosts[database.get("host", host)["uuid"]].live is False


def test_it_equals_a_whole_reading_whatever_happened(
    kept: KeptInventory, session: ReadSession, simulator: Simulator
) -> None:
    """Objects that come, go and change."""
    database = simulator.database
    vms = list(database.items("VM"))
    (first, record), (second, _), *_ = [each for each in vms if not each[1]["is_control_domain"]]
    database.add("VM", {**record, "uuid": "new", "VBDs": [], "VIFs": []})
    assert kept.read() == read_pool(session)
    database.remove("VM", first)
    database.change("VM", second, name_label="other")
    assert kept.read() == read_pool(session)
    assert kept.read() == read_pool(session)


@pytest.mark.parametrize("code", ["EVENT_FROM_TOKEN_PARSE_FAILURE", "EVENTS_LOST", "MESSAGE_METHOD_UNKNOWN"])
def test_a_pool_that_does_not_tell_is_read(
    kept: KeptInventory, calls: list[str], simulator: Simulator, code: str
) -> None:
    """And asked again at the next look."""
    simulator.faults.add("refused", method="event.from", code=code)
    kept.read()
    assert whole_readings(calls) == 1
    calls.clear()
    kept.read()
    assert calls == ["event.from"]


def test_a_new_login_reads_everything(kept: KeptInventory, calls: list[str], simulator: Simulator) -> None:
    """The toolstack may have started again: what happened before the login was told to nobody."""
    simulator.faults.add("session-expires", method="event.from")
    kept.read()
    assert whole_readings(calls) == 1


def test_a_look_that_failed_is_followed_by_a_whole_one(
    kept: KeptInventory, calls: list[str], simulator: Simulator
) -> None:
    """Nobody knows what the answer that was lost had told."""
    simulator.faults.add("connection-reset", method="event.from", times=-1)
    with pytest.raises(Unreachable):
        kept.read()
    simulator.faults.clear()
    kept.read()
    assert whole_readings(calls) == 1


def lying(change: Callable[[dict[str, Any]], object]) -> Callable[..., Any]:
    """`ReadSession.events`, whose answer was changed on the way."""
    tell = ReadSession.events

    def events(self: ReadSession, kinds: tuple[str, ...], token: str) -> Any:  # noqa: ANN401 - the interface's
        found = dict(tell(self, kinds, token))
        if kinds == CLASSES:
            change(found)
        return found

    return events


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found["events"].clear(),
        lambda found: found.update(valid_ref_counts={"vm": "1"}),
        lambda found: [each.pop("snapshot") for each in found["events"]],
        lambda found: found.update(valid_ref_counts="x"),
    ],
    ids=["lost", "miscounted", "without records", "no counts"],
)
def test_what_does_not_add_up_is_read_again(
    kept: KeptInventory,
    session: ReadSession,
    simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[dict[str, Any]], object],
) -> None:
    """Events that were lost show in the number of objects."""
    _, record = next(simulator.database.items("VM"))
    simulator.database.add("VM", {**record, "uuid": "new", "VBDs": [], "VIFs": []})
    monkeypatch.setattr(ReadSession, "events", lying(change))
    calls = calls_of(monkeypatch)
    pool = kept.read()
    assert whole_readings(calls) == 1
    assert pool == read_pool(session)


def test_everything_is_read_again_after_a_while(
    kept: KeptInventory, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was told meanwhile."""
    monkeypatch.setattr("rebalancer.xapi.reading.kept.WHOLE_AGAIN_SECONDS", 0.0)
    kept.read()
    assert whole_readings(calls) == 1


def test_errors_name_things_as_they_are_called_now(
    kept: KeptInventory, session: ReadSession, simulator: Simulator
) -> None:
    """A VM that was renamed since the first reading."""
    ref, _ = next(simulator.database.items("VM"))
    simulator.database.change("VM", ref, name_label="renamed")
    kept.read()
    assert session.called.told(ref).startswith("renamed")
