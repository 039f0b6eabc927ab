"""A stage on which three VMs of one host cannot leave it: two of one order, and one of a higher one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path

import rebalancer as rb
from rebalancer.face.rolling.trace import Event
from rebalancer.simulator import SimulatedPool
from tests.storm.rolling.scene import HELD, TAG, planned, policy, small_pool
from tests.storm.rolling.stage import Stage

DELAY = 120
ORDERS = ("0", "0", "5")


def pool(orders: Sequence[str] = ORDERS) -> tuple[SimulatedPool, list[str]]:
    """A pool in which three VMs of one host cannot leave it, and their refs: two of order 0, then one of order 5."""
    found = deepcopy(small_pool(1))
    vms, metrics = found.records["VM"], found.records["VM_guest_metrics"]
    able = [ref for ref, vm in vms.items() if vm["power_state"] == "Running" and vm["guest_metrics"] in metrics]
    for host in found.records["host"]:
        there = [ref for ref in able if vms[ref]["resident_on"] == host]
        if len(there) >= 3:
            break
    for ref, order, delay in zip(there[:3], orders, ("0", str(DELAY), "900"), strict=True):
        vms[ref]["blocked_operations"].update(HELD)
        vms[ref]["tags"].append(TAG)
        vms[ref].update(order=order, start_delay=delay)
    return found, there[:3]


@contextmanager
def staged(
    folder: Path, wanted: rb.Policy | None = None, *, orders: Sequence[str] = ORDERS
) -> Iterator[tuple[Stage, list[str]]]:
    """The stage, and the uuids of the three."""
    found, refs = pool(orders)
    wanted = wanted or policy(pinned=True)
    stage = Stage(folder, planned(found, wanted, version=None), wanted)
    with stage.opened():
        yield stage, [found.records["VM"][ref]["uuid"] for ref in refs]
        stage.close()


def at(stage: Stage, event: Event, vm: str) -> float:
    """When the last line of that kind about a VM was written."""
    return next(line.at.timestamp() for line in reversed(stage.lines) if (line.event, line.vm) == (event, vm))
