from __future__ import annotations

import time
from typing import Any

import pytest
import XenAPI

from rebalancer.simulator import Simulator

# The stock client answers with whatever the method answers.
Proxy = Any

LONG_AGO = "19700101T00:00:00Z"


def a_uuid(simulator: Simulator, cls: str) -> str:
    """The uuid of an object of a class."""
    return str(next(record["uuid"] for _, record in simulator.database.items(cls)))


def test_messages_are_made_found_and_removed(simulator: Simulator, xapi: Proxy) -> None:
    """By object, by time, by uuid, newest first; removed one by one or together."""
    host, vm = a_uuid(simulator, "host"), a_uuid(simulator, "VM")
    first = xapi.message.create("LOW_MEMORY", 3, "Host", host, "less than 5 %")
    second = xapi.message.create("STARTED", 5, "VM", vm, "")
    record = xapi.message.get_record(first)
    assert (record["name"], record["priority"], record["cls"]) == ("LOW_MEMORY", "3", "Host")
    assert (record["obj_uuid"], record["body"]) == (host, "less than 5 %")
    assert xapi.message.get_by_uuid(record["uuid"]) == first
    assert set(xapi.message.get("Host", host, LONG_AGO)) == {first}
    assert set(xapi.message.get_since(LONG_AGO)) == set(xapi.message.get_all()) == {first, second}
    tomorrow = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + 86400))
    assert xapi.message.get_since(tomorrow) == {}
    xapi.message.destroy(first)
    with pytest.raises(XenAPI.Failure, match="HANDLE_INVALID"):
        xapi.message.destroy_many([second, first])
    assert xapi.message.get_all_records() == {}


def test_messages_about_nothing_are_refused(xapi: Proxy) -> None:
    """UUID_INVALID: with class and uuid when one is made, with nothing when they are asked for, as in xapi."""
    with pytest.raises(XenAPI.Failure) as refused:
        xapi.message.create("X", 1, "VM", "no uuid", "")
    assert refused.value.details == ["UUID_INVALID", "VM", "no uuid"]
    with pytest.raises(XenAPI.Failure) as refused:
        xapi.message.get("VM", "no uuid", LONG_AGO)
    assert refused.value.details == ["UUID_INVALID"]
    with pytest.raises(XenAPI.Failure, match="INTERNAL_ERROR"):
        xapi.message.get_since("yesterday")


def test_a_move_leaves_a_message(simulator: Simulator, xapi: Proxy) -> None:
    """VM_MIGRATED is found by the VM that moved."""
    vm, record = next(
        (ref, each)
        for ref, each in simulator.database.items("VM")
        if each["power_state"] == "Running" and not each["is_control_domain"]
    )
    target = next(ref for ref, _ in simulator.database.items("host") if ref != record["resident_on"])
    xapi.VM.pool_migrate(vm, target, {"live": "true"})
    (message,) = xapi.message.get("VM", record["uuid"], LONG_AGO).values()
    assert message["name"] == "VM_MIGRATED"
