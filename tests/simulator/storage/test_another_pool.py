"""VM.migrate_send from one simulated pool to another, as the stock client sees it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import XenAPI

from rebalancer.simulator import annex_pool, demo_pool
from tests.simulator.storage.crossing import Crossing, code_of
from tests.simulator.storage.motion import NULL, Move, finished, under_way, used


def test_a_vm_runs_in_the_other_pool_and_is_gone_from_its_own(two: Callable[..., Any]) -> None:
    """It keeps its uuid; disks, drives and VIFs get new ones; space, memory and load follow it."""
    with two() as case:
        before = case.xapi.VM.get_record(case.vm)
        uuid, disks, networks = before["uuid"], case.vdi_map, set(case.vif_map.values())
        vbds = [case.xapi.VBD.get_uuid(ref) for ref in before["VBDs"]]
        free, space = case.other.host.compute_free_memory(case.host), used(case.other, case.storage)
        case.xapi.VM.assert_can_migrate(*case.params())
        record = finished(case.xapi, case.xapi.Async.VM.migrate_send(*case.params()))
        assert record["status"] == "success", record["error_info"]
        with pytest.raises(XenAPI.Failure) as error:
            case.xapi.VM.get_by_uuid(uuid)
        assert code_of(error) == "UUID_INVALID"
        assert not [ref for ref in disks if case.here.database.find("VDI", ref)]
        ref = case.other.VM.get_by_uuid(uuid)
        after = case.other.VM.get_record(ref)
        assert (after["power_state"], after["resident_on"], after["current_operations"]) == ("Running", case.host, {})
        assert after["scheduled_to_be_resident_on"] == NULL
        assert {case.other.VBD.get_uuid(each) for each in after["VBDs"]}.isdisjoint(vbds)
        assert {case.other.VDI.get_SR(each) for each in Move.disks_of(case.there, ref)} == {case.storage}
        assert case.networks_of(ref) == networks
        assert int(case.other.host.compute_free_memory(case.host)) < int(free)
        assert used(case.other, case.storage) > space
        assert ref in case.other.host.get_resident_VMs(case.host)
        ends = np.array([int(time.time())])
        assert case.there.world.load.vm(uuid, ends, 3600) == case.here.world.load.vm(uuid, ends, 3600)


def test_on_the_way_it_is_in_its_own_pool_only(two: Callable[..., Any]) -> None:
    """While disks are copied, it is busy here and unknown there; cancelled, nothing is left there."""
    with two(speed=0.1) as case:
        uuid, space = case.xapi.VM.get_uuid(case.vm), used(case.other, case.storage)
        task = case.xapi.Async.VM.migrate_send(*case.params())
        under_way(case.xapi, task)
        assert case.xapi.VM.get_current_operations(case.vm) == {task: "migrate_send"}
        with pytest.raises(XenAPI.Failure):
            case.other.VM.get_by_uuid(uuid)
        assert used(case.other, case.storage) > space
        case.xapi.task.cancel(task)
        assert finished(case.xapi, task)["status"] == "cancelled"
        assert used(case.other, case.storage) == space
        assert case.xapi.VM.get_power_state(case.vm) == "Running"
        assert case.xapi.VM.get_current_operations(case.vm) == {}


def test_the_annex_shares_no_name_and_no_uuid_with_the_demo() -> None:
    """Its VMs, hosts and SRs can stand beside those of the demo's pool."""
    demo, annex = demo_pool().records, annex_pool().records
    for cls in ("pool", "host", "VM", "VDI", "SR", "network"):
        uuids = [{record["uuid"] for record in records[cls].values()} for records in (demo, annex)]
        assert uuids[0].isdisjoint(uuids[1]), cls
    for cls in ("pool", "host"):
        names = [{record["name_label"] for record in records[cls].values()} for records in (demo, annex)]
        assert names[0].isdisjoint(names[1]), cls


def test_a_session_that_ended_does_not_receive(two: Callable[..., Any]) -> None:
    """The map of host.migrate_receive is good as long as its session."""
    with two() as case:
        params = case.params()
        case.there.database.remove("session", params[1]["session_id"])
        record = finished(case.xapi, case.xapi.Async.VM.migrate_send(*params))
        assert record["error_info"][0] == "SESSION_INVALID"


def test_a_pool_that_it_does_not_know_is_out_of_reach(two: Callable[..., Any]) -> None:
    """Pools that were not introduced cannot send to each other."""
    with two() as case:
        params = case.params()
        case.here.world.neighbours.clear()
        with pytest.raises(XenAPI.Failure) as error:
            case.xapi.VM.migrate_send(*params)
        assert code_of(error) == "CANNOT_CONTACT_HOST"


def test_leftovers_stay_where_nobody_removes_them(two: Callable[..., Any]) -> None:
    """After a failure with `copies-stay`, a halted VM and disks remain there, and the VM runs here."""
    with two() as case:
        uuid, space = case.xapi.VM.get_uuid(case.vm), used(case.other, case.storage)
        case.here.faults.add("copies-stay")
        case.here.faults.add("move-fails", at=0.99, code="VM_MIGRATE_FAILED")
        assert finished(case.xapi, case.xapi.Async.VM.migrate_send(*case.params()))["status"] == "failure"
        assert case.other.VM.get_power_state(case.other.VM.get_by_uuid(uuid)) == "Halted"
        assert used(case.other, case.storage) > space
        assert case.xapi.VM.get_power_state(case.vm) == "Running"


def test_a_record_may_stay_behind(two: Callable[..., Any]) -> None:
    """With `source-stays` the VM runs there, and its own pool still has a halted VM of its uuid."""
    with two() as case:
        uuid = case.xapi.VM.get_uuid(case.vm)
        case.here.faults.add("source-stays")
        assert finished(case.xapi, case.xapi.Async.VM.migrate_send(*case.params()))["status"] == "success"
        assert case.xapi.VM.get_power_state(case.vm) == "Halted"
        assert case.other.VM.get_power_state(case.other.VM.get_by_uuid(uuid)) == "Running"


@pytest.mark.parametrize("outcome", ["moved", "stayed"])
def test_a_toolstack_that_restarts_leaves_it_in_one_place(two: Callable[..., Any], outcome: str) -> None:
    """Late on the way, it runs there or here, never in both."""
    with two() as case:
        uuid = case.xapi.VM.get_uuid(case.vm)
        case.here.faults.add("toolstack-restart", at=0.995, outcome=outcome)
        with pytest.raises((XenAPI.Failure, OSError)):
            case.xapi.VM.migrate_send(*case.params())
        states = [
            {vm["uuid"]: vm["power_state"] for _, vm in side.database.items("VM")}.get(uuid, "unknown")
            for side in (case.here, case.there)
        ]
        assert states.count("Running") == 1
        assert states.index("Running") == (outcome == "moved")


def _with_snapshot(case: Crossing) -> str:
    """Give the VM a snapshot with a disk and a VIF; return its ref."""
    database = case.here.database
    guest = database.get("VM", case.vm)
    disk = Move.disks_of(case.here, case.vm)[0]
    copy = database.add("VDI", {**database.get("VDI", disk), "uuid": "snap-disk", "snapshot_of": disk, "VBDs": []})
    snapshot = database.add(
        "VM",
        {
            **guest,
            "uuid": "snap",
            "power_state": "Halted",
            "resident_on": NULL,
            "is_a_snapshot": True,
            "is_a_template": True,
            "snapshot_of": case.vm,
            "metrics": NULL,
            "guest_metrics": NULL,
        },
    )
    drive = next(ref for ref in guest["VBDs"] if database.get("VBD", ref)["VDI"] == disk)
    vbd = database.add("VBD", {**database.get("VBD", drive), "uuid": "snap-vbd", "VM": snapshot, "VDI": copy})
    vif = database.add("VIF", {**database.get("VIF", guest["VIFs"][0]), "uuid": "snap-vif", "VM": snapshot})
    storage = database.get("VDI", disk)["SR"]
    database.change("SR", storage, VDIs=[*database.get("SR", storage)["VDIs"], copy])
    database.change("VDI", copy, VBDs=[vbd])
    database.change("VM", snapshot, VBDs=[vbd], VIFs=[vif])
    database.change("VM", case.vm, snapshots=[snapshot])
    return snapshot


def test_snapshots_come_along(two: Callable[..., Any]) -> None:
    """A snapshot and its disk go with the VM; its VIF follows the one with its MAC."""
    with two() as case:
        snapshot, networks = _with_snapshot(case), set(case.vif_map.values())
        uuid = case.here.database.get("VM", snapshot)["uuid"]
        assert finished(case.xapi, case.xapi.Async.VM.migrate_send(*case.params()))["status"] == "success"
        ref = case.other.VM.get_by_uuid(uuid)
        record = case.other.VM.get_record(ref)
        assert record["is_a_snapshot"]
        (disk,) = Move.disks_of(case.there, ref)
        assert case.other.VDI.get_snapshot_of(disk) in Move.disks_of(case.there, record["snapshot_of"])
        assert case.networks_of(ref) == networks
