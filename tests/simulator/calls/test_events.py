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
