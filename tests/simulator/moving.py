"""One migration on a simulated pool, followed to its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rebalancer.simulator import Simulator

# The stock client answers with whatever the method answers.
Proxy = Any


def first_move(simulator: Simulator) -> tuple[str, str, str]:
    """A running guest's ref and uuid, and the ref of another host."""
    ref, vm = next(
        (ref, vm)
        for ref, vm in simulator.database.items("VM")
        if vm["power_state"] == "Running" and not vm["is_control_domain"]
    )
    return ref, vm["uuid"], next(h for h, _ in simulator.database.items("host") if h != vm["resident_on"])


def task_end(xapi: Proxy, task: str) -> dict[str, Any]:
    """The record of a task once it is over."""
    wait_until(lambda: xapi.task.get_status(task) != "pending")
    return dict(xapi.task.get_record(task))


def wait_until(is_so: Callable[[], bool]) -> None:
    """Return once something is so; a busy machine may take its time."""
    deadline = time.monotonic() + 120.0
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def at_rest(simulator: Simulator, vm: str) -> tuple[str, str]:
    """Power state of a VM and where it is, once no operation is under way on it."""
    wait_until(lambda: not simulator.database.get("VM", vm)["current_operations"])
    record = simulator.database.get("VM", vm)
    return record["power_state"], record["resident_on"]
