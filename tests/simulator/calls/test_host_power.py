from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import XenAPI

from rebalancer.simulator import Simulator

# The stock client answers with whatever the method answers.
Proxy = Any


def ask(call: Callable[..., object], *args: object) -> list[str]:
    """What a call is refused with, or nothing."""
    try:
        call(*args)
    except XenAPI.Failure as refused:
        return list(refused.details)
    return []


@pytest.fixture
def member(simulator: Simulator) -> str:
    """A host that is not the coordinator."""
    return next(ref for ref, _ in simulator.database.items("host") if ref != simulator.world.coordinator)


def die(simulator: Simulator, host: str) -> None:
    """Let a host be dead."""
    simulator.database.change("host_metrics", simulator.database.get("host", host)["metrics"], live=False)


@pytest.mark.parametrize("operation", ["reboot", "shutdown"])
def test_a_host_goes_down_when_it_is_disabled(simulator: Simulator, xapi: Proxy, member: str, operation: str) -> None:
    """An enabled host is refused; a disabled one is marked as shutting down, with VMs on it or without."""
    simulator.world.boot_seconds = 1e6  # nobody sees it go down
    call = getattr(xapi.host, operation)
    assert ask(call, member) == ["HOST_NOT_DISABLED"]
    xapi.host.disable(member)
    assert ask(call, member) == []
    (current,) = simulator.database.get("host", member)["current_operations"].items()
    assert current[1] == "shutdown"
    other = "shutdown" if operation == "reboot" else "reboot"
    if other == "reboot":
        assert ask(call, member) == []
    assert ask(xapi.host.reboot, member)[:4] == ["OTHER_OPERATION_IN_PROGRESS", "host", member, "shutdown"]


@pytest.mark.parametrize("kind", ["vm_migrate", "vm_resume", "provision"])
def test_arrivals_stand_against_going_down(simulator: Simulator, xapi: Proxy, member: str, kind: str) -> None:
    """While a VM comes to a host, it is not switched off; the operation and its task are named."""
    xapi.host.disable(member)
    simulator.database.change("host", member, current_operations={"OpaqueRef:t": kind})
    for call in (xapi.host.reboot, xapi.host.shutdown):
        assert ask(call, member) == ["OTHER_OPERATION_IN_PROGRESS", "host", member, kind, "OpaqueRef:t"]
    assert ask(xapi.host.enable, member) == []
    simulator.database.change("host", member, current_operations={"OpaqueRef:t": "apply_updates"})
    assert ask(xapi.host.enable, member)[0] == "OTHER_OPERATION_IN_PROGRESS"


def test_a_dead_host_cannot_be_told(simulator: Simulator, xapi: Proxy, member: str) -> None:
    """HOST_OFFLINE, but switching it on is not said to it."""
    xapi.host.disable(member)
    die(simulator, member)
    for call in (xapi.host.reboot, xapi.host.shutdown, xapi.host.enable, xapi.host.disable):
        assert ask(call, member) == ["HOST_OFFLINE", member]


def test_a_host_is_switched_on_where_somebody_can(simulator: Simulator, xapi: Proxy, member: str) -> None:
    """It has to be down, and to have a power_on_mode."""
    assert ask(xapi.host.power_on, member) == ["HOST_IS_LIVE", member]
    die(simulator, member)
    assert ask(xapi.host.power_on, member) == ["HOST_POWER_ON_MODE_DISABLED"]
    assert ask(xapi.host.set_power_on_mode, member, "wake-on-lan", {}) == []
    assert ask(xapi.host.power_on, member) == []
    assert ask(xapi.host.power_on, "OpaqueRef:none") == ["HANDLE_INVALID", "host", "OpaqueRef:none"]


def test_a_last_parameter_is_there_where_xapi_is_new_enough(simulator: Simulator, xapi: Proxy, member: str) -> None:
    """host.disable takes auto_enable since 25.31, and one parameter too many before."""
    assert ask(xapi.host.disable, member, False) == []
    for ref, host in simulator.database.items("host"):
        simulator.database.change("host", ref, software_version={**host["software_version"], "xapi_build": "25.6.0"})
    assert ask(xapi.host.disable, member) == []
    assert ask(xapi.host.disable, member, False) == ["MESSAGE_PARAMETER_COUNT_MISMATCH", "host.disable", "1", "2"]


@pytest.mark.parametrize("given", [1, 2, 3])
def test_last_parameters_may_be_left_out(simulator: Simulator, xapi: Proxy, member: str, given: int) -> None:
    """host.evacuate goes with a host alone, with a network, and with how many at once."""
    for vm in simulator.database.get("host", member)["resident_VMs"]:
        if not simulator.database.get("VM", vm)["is_control_domain"]:
            xapi.VM.hard_shutdown(vm)
    assert ask(xapi.host.evacuate, *(member, "OpaqueRef:NULL", 0)[:given]) == []
