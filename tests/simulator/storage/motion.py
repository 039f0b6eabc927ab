"""A move with disks that nothing stands against, and what to look at when it is over."""

from __future__ import annotations

import time
from typing import Any

from rebalancer.simulator import Simulator

# ruff: noqa: ANN401 - records hold values of every wire type

# The stock client answers with whatever the method answers.
Proxy = Any
NULL = "OpaqueRef:NULL"
LIVE = {"live": "true"}


class Move:
    """A running guest, another host, that host's local SR, and the guest's disks all bound for it."""

    def __init__(self, simulator: Simulator, xapi: Proxy, number: int = 0) -> None:
        database = simulator.database
        guests = [
            (ref, vm)
            for ref, vm in database.items("VM")
            if vm["power_state"] == "Running" and not vm["is_control_domain"] and self.disks_of(simulator, ref)
        ]
        self.vm, record = guests[number]
        self.source = record["resident_on"]
        self.target = next(ref for ref, _ in database.items("host") if ref != self.source)
        self.storage = next(
            pbd["SR"]
            for _, pbd in database.items("PBD")
            if pbd["host"] == self.target and database.get("SR", pbd["SR"])["type"] == "ext"
        )
        self.disks = self.disks_of(simulator, self.vm)
        self.vdi_map = dict.fromkeys(self.disks, self.storage)
        self._xapi = xapi

    @staticmethod
    def disks_of(simulator: Simulator, vm: str) -> list[str]:
        """Refs of the VDIs in a guest's disk drives."""
        vbds = [simulator.database.get("VBD", ref) for ref in simulator.database.get("VM", vm)["VBDs"]]
        return [vbd["VDI"] for vbd in vbds if vbd["type"] == "Disk"]

    def dest(self) -> dict[str, str]:
        """What host.migrate_receive says about the target."""
        network = next(
            pif["network"]
            for pif in self._xapi.PIF.get_all_records().values()
            if pif["host"] == self.target and pif["management"]
        )
        answer: dict[str, str] = self._xapi.host.migrate_receive(self.target, network, {})
        return answer

    def params(self) -> tuple[Any, ...]:
        """The six parameters of VM.migrate_send."""
        return self.vm, self.dest(), True, self.vdi_map, {}, {}


def take_snapshot(simulator: Simulator, vm: str, *, with_memory: bool = False, **fields: Any) -> str:
    """Give a guest another snapshot; the ref of the VDI of its first disk or its memory, which has *fields*."""
    database = simulator.database
    record = database.get("VM", vm)
    drive = next(ref for ref in record["VBDs"] if database.get("VBD", ref)["type"] == "Disk")
    origin = database.get("VBD", drive)["VDI"]
    marks = {"uuid": f"{origin}-taken", "snapshot_of": origin, "is_a_snapshot": True, "VBDs": [], "snapshots": []}
    disk = database.add("VDI", {**database.get("VDI", origin), **marks, **fields})
    state = {"power_state": "Suspended", "suspend_VDI": disk, "VBDs": []} if with_memory else {"power_state": "Halted"}
    kind = {"is_a_snapshot": True, "is_a_template": True, "snapshot_of": vm, "resident_on": NULL, "snapshots": []}
    taken = database.add("VM", {**record, "uuid": f"{vm}-taken", **kind, **state})
    if not with_memory:
        copy = {**database.get("VBD", drive), "uuid": f"{drive}-taken", "VM": taken, "VDI": disk}
        database.change("VM", taken, VBDs=[database.add("VBD", copy)])
    database.change("VM", vm, snapshots=[*record["snapshots"], taken])
    return disk


def finished(xapi: Proxy, task: str, seconds: float = 120.0) -> dict[str, Any]:
    """The record of a task once it is over."""
    deadline = time.monotonic() + seconds
    while xapi.task.get_status(task) == "pending":
        assert time.monotonic() < deadline, "the task does not end"
        time.sleep(0.02)
    record: dict[str, Any] = xapi.task.get_record(task)
    return record


def under_way(xapi: Proxy, task: str) -> None:
    """Wait until something of a move is done."""
    while not xapi.task.get_progress(task):
        time.sleep(0.01)


def used(xapi: Proxy, storage: str) -> int:
    """Bytes in use on an SR."""
    return int(xapi.SR.get_physical_utilisation(storage))
