from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import XenAPI

from rebalancer.simulator import Simulator

# The stock client answers with whatever the method answers.
Proxy = Any


def event_from(xapi: Proxy, classes: list[str], token: str, seconds: float) -> dict[str, Any]:
    """Call event.from, whose name Python reserves."""
    batch: dict[str, Any] = getattr(xapi.event, "from")(classes, token, seconds)
    return batch


def test_an_empty_token_gives_everything(simulator: Simulator, xapi: Proxy) -> None:
    """The first event.from adds every object of the classes with its record, and counts all objects."""
    batch = event_from(xapi, ["vm", "host"], "", 1.0)
    assert {(e["class"], e["operation"]) for e in batch["events"]} == {("vm", "add"), ("host", "add")}
    assert len(batch["events"]) == simulator.database.count("VM") + simulator.database.count("host")
    assert batch["valid_ref_counts"]["vdi"] == simulator.database.count("VDI")
    assert all(e["snapshot"]["uuid"] for e in batch["events"])
    assert len(batch["token"]) == len("00000000000000000388,00000000000000000000")


def test_nothing_new_keeps_the_token(xapi: Proxy) -> None:
    """Without a change event.from waits its time and gives the token back."""
    token = event_from(xapi, ["*"], "", 1.0)["token"]
    begun = time.monotonic()
    batch = event_from(xapi, ["*"], token, 0.3)
    assert time.monotonic() - begun >= 0.3
    assert (batch["events"], batch["token"]) == ([], token)


def test_a_change_wakes_the_waiting(simulator: Simulator, xapi: Proxy) -> None:
    """A change ends the wait at once; several changes of one object come as one event with the newest state."""
    token = event_from(xapi, ["*"], "", 1.0)["token"]
    ref = next(ref for ref, _ in simulator.database.items("VM"))

    def change() -> None:
        with simulator.database.lock:
            for label in ("first", "second"):
                simulator.database.change("VM", ref, name_label=label)

    threading.Timer(0.1, change).start()
    batch = event_from(xapi, ["vm"], token, 3600.0)
    assert [(e["operation"], e["ref"], e["snapshot"]["name_label"]) for e in batch["events"]] == [
        ("mod", ref, "second")
    ]
    assert event_from(xapi, ["vm"], batch["token"], 0.1)["events"] == []


def test_one_object_can_be_watched(simulator: Simulator, xapi: Proxy) -> None:
    """A subscription to class/ref tells about that object only."""
    token = event_from(xapi, ["*"], "", 1.0)["token"]
    watched, other = [ref for ref, _ in simulator.database.items("VM")][:2]
    simulator.database.change("VM", other, name_label="noise")
    assert event_from(xapi, [f"vm/{watched}"], token, 0.2)["events"] == []
    simulator.database.change("VM", watched, name_label="signal")
    assert [e["ref"] for e in event_from(xapi, [f"VM/{watched}"], token, 1.0)["events"]] == [watched]


def test_a_deleted_object_comes_as_del(simulator: Simulator, xapi: Proxy) -> None:
    """A deletion has no snapshot; an object that came and went between two calls never shows."""
    token = event_from(xapi, ["*"], "", 1.0)["token"]
    ref = next(ref for ref, _ in simulator.database.items("VLAN"))
    simulator.database.remove("VLAN", ref)
    simulator.database.remove("VLAN", simulator.database.add("VLAN", {"uuid": "x"}))
    (event,) = event_from(xapi, ["vlan"], token, 1.0)["events"]
    assert (event["operation"], event["ref"], "snapshot" in event) == ("del", ref, False)


def test_a_bad_token_is_refused(xapi: Proxy) -> None:
    """A token that is none gets XAPI's code; a class that is none is no error."""
    with pytest.raises(XenAPI.Failure, match="EVENT_FROM_TOKEN_PARSE_FAILURE"):
        event_from(xapi, ["vm"], "not a token", 0.1)
    assert event_from(xapi, ["no_such_class"], "", 0.1)["events"] == []


def test_injected_events_give_a_token(simulator: Simulator, xapi: Proxy) -> None:
    """event.inject gives a token after which only later changes come."""
    ref = next(ref for ref, _ in simulator.database.items("pool"))
    token = xapi.event.inject("pool", ref)
    assert event_from(xapi, ["pool"], token, 0.1)["events"] == []
    simulator.database.change("pool", ref, name_label="renamed")
    assert len(event_from(xapi, ["pool"], token, 1.0)["events"]) == 1


def next_events(xapi: Proxy) -> list[dict[str, Any]]:
    """Call event.next, which waits until there is something to tell."""
    told: list[dict[str, Any]] = xapi.event.next()
    return told


def test_who_did_not_register_is_told_nothing(xapi: Proxy) -> None:
    """SESSION_NOT_REGISTERED, with a hash in the place of the session."""
    with pytest.raises(XenAPI.Failure) as refused:
        next_events(xapi)
    code, track = refused.value.details
    assert (code, track[:8], len(track)) == ("SESSION_NOT_REGISTERED", "trackid=", 40)


def test_events_come_by_turns(simulator: Simulator, xapi: Proxy) -> None:
    """event.next tells what changed since it was asked last, in order, of the registered classes and objects only."""
    vm, other = [ref for ref, _ in simulator.database.items("VM")][:2]
    xapi.event.register(["host", f"vm/{vm}"])
    host = next(ref for ref, _ in simulator.database.items("host"))
    since = int(xapi.event.get_current_id())
    for cls, ref in (("VM", other), ("host", host), ("VM", vm)):
        simulator.database.change(cls, ref, name_label="changed")
    told = next_events(xapi)
    assert [(each["class"], each["ref"], each["operation"]) for each in told] == [
        ("host", host, "mod"),
        ("vm", vm, "mod"),
    ]
    assert all(int(each["id"]) > since and each["snapshot"]["name_label"] == "changed" for each in told)
    threading.Timer(0.1, simulator.database.change, ("host", host), {"name_label": "again"}).start()
    (event,) = next_events(xapi)
    assert event["snapshot"]["name_label"] == "again"


def test_whoever_unregisters_is_told_no_more(simulator: Simulator, xapi: Proxy) -> None:
    """Of two classes one is left."""
    xapi.event.register(["*", "host"])
    xapi.event.unregister(["*"])
    vm, host = (next(ref for ref, _ in simulator.database.items(cls)) for cls in ("VM", "host"))
    simulator.database.change("VM", vm, name_label="changed")
    simulator.database.change("host", host, name_label="changed")
    assert [each["class"] for each in next_events(xapi)] == ["host"]


def test_a_session_that_ends_is_told_so(simulator: Simulator, xapi: Proxy) -> None:
    """Whoever waits for events learns that the session is over; the stock client logs in again, unregistered."""
    xapi.event.register(["*"])
    session = next(ref for ref, _ in simulator.database.items("session"))
    threading.Timer(0.1, simulator.database.remove, ("session", session)).start()
    with pytest.raises(XenAPI.Failure, match="SESSION_NOT_REGISTERED"):
        next_events(xapi)
