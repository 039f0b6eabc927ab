from __future__ import annotations

import pytest
import XenAPI

from rebalancer.simulator import SimulatedPool, Simulator
from rebalancer.simulator.migration.transfer import LINK_BYTES_PER_SECOND, Transfer
from tests.simulator.storage.motion import LIVE, NULL, Move, Proxy, finished, under_way, used


def test_a_receiver_tells_where_and_opens_a_session(simulator: Simulator, xapi: Proxy) -> None:
    """host.migrate_receive returns the five entries that a sender needs, with a session that works."""
    move = Move(simulator, xapi)
    dest = move.dest()
    assert sorted(dest) == ["SM", "host", "master", "session_id", "xenops"]
    assert dest["host"] == move.target
    assert simulator.database.get("host", move.target)["address"] in dest["xenops"]
    assert dest["master"] == "http://127.0.1.1"
    other = XenAPI.Session(simulator.url)
    other._session = dest["session_id"]
    assert other.xenapi.VM.get_all()


def test_a_vm_arrives_with_its_disks(simulator: Simulator, xapi: Proxy) -> None:
    """VM.migrate_send ends with the VM on the target under its old ref, its disks new VDIs, and their space moved."""
    move = Move(simulator, xapi)
    before = {ref: xapi.VDI.get_record(ref) for ref in move.disks}
    size = sum(int(vdi["physical_utilisation"]) for vdi in before.values())
    free, home = used(xapi, move.storage), before[move.disks[0]]["SR"]
    left = used(xapi, home)
    xapi.VM.assert_can_migrate(*move.params())
    task = xapi.Async.VM.migrate_send(*move.params())
    record = finished(xapi, task)
    assert (record["status"], record["result"]) == ("success", f"<value>{move.vm}</value>")
    vm = xapi.VM.get_record(move.vm)
    assert (vm["resident_on"], vm["scheduled_to_be_resident_on"], vm["current_operations"]) == (move.target, NULL, {})
    assert xapi.host.get_current_operations(move.target) == {}
    moved = Move.disks_of(simulator, move.vm)
    assert not set(moved) & set(move.disks)
    for new, old in zip(moved, before.values(), strict=True):
        vdi = xapi.VDI.get_record(new)
        assert (vdi["SR"], vdi["virtual_size"], vdi["name_label"]) == (
            move.storage,
            old["virtual_size"],
            old["name_label"],
        )
        assert vdi["uuid"] != old["uuid"]
        assert vdi["VBDs"] == old["VBDs"]
        assert new in xapi.SR.get_VDIs(move.storage)
    for ref in move.disks:
        with pytest.raises(XenAPI.Failure, match="HANDLE_INVALID"):
            xapi.VDI.get_record(ref)
    assert used(xapi, move.storage) == free + size
    assert used(xapi, home) == max(0, left - sum(int(v["physical_utilisation"]) for v in before.values()))


def test_a_move_with_disks_shows_in_the_records(small_pool: SimulatedPool, connect: Proxy) -> None:
    """On the way the VM is busy with migrate_send, its memory is held on the target, and the copy's space is taken."""
    with Simulator(small_pool, speed=0.1, password="secret") as simulator:
        xapi = connect(simulator).xenapi
        move = Move(simulator, xapi)
        before = used(xapi, move.storage)
        task = xapi.Async.VM.migrate_send(*move.params())
        under_way(xapi, task)
        vm = xapi.VM.get_record(move.vm)
        assert vm["current_operations"] == {task: "migrate_send"}
        assert (vm["resident_on"], vm["scheduled_to_be_resident_on"]) == (move.source, move.target)
        assert xapi.host.get_current_operations(move.target) == {task: "vm_migrate"}
        assert used(xapi, move.storage) > before
        assert Move.disks_of(simulator, move.vm) == move.disks
        xapi.task.cancel(task)
        assert finished(xapi, task)["status"] == "cancelled"
        assert used(xapi, move.storage) == before
        assert xapi.VM.get_resident_on(move.vm) == move.source


def test_disks_take_longer_than_memory(simulator: Simulator, xapi: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A move whose disks are copied takes longer than one whose disks stay: by their bytes at the link's pace."""
    carried: list[float] = []
    monkeypatch.setattr(Transfer, "carry", lambda _, seconds: carried.append(seconds))
    move = Move(simulator, xapi)
    stay = {ref: xapi.VDI.get_SR(ref) for ref in move.disks}
    xapi.VM.migrate_send(move.vm, move.dest(), True, stay, {}, {})
    (memory,) = carried
    assert Move.disks_of(simulator, move.vm) == move.disks
    again = Move(simulator, xapi)
    sizes = sorted(int(xapi.VDI.get_virtual_size(ref)) for ref in again.disks)
    carried.clear()
    xapi.VM.migrate_send(*again.params())
    assert carried == [*(size / LINK_BYTES_PER_SECOND for size in sizes), memory]


def test_snapshots_come_along(simulator: Simulator, xapi: Proxy) -> None:
    """The disks of a snapshot follow the disk that they are of, and name its copy."""
    number = next(n for n in range(12) if simulator.database.get("VM", Move(simulator, xapi, n).vm)["snapshots"])
    move = Move(simulator, xapi, number)
    (snapshot,) = xapi.VM.get_snapshots(move.vm)
    xapi.VM.migrate_send(*move.params())
    for ref in Move.disks_of(simulator, snapshot):
        vdi = xapi.VDI.get_record(ref)
        assert vdi["SR"] == move.storage
        assert vdi["snapshot_of"] in Move.disks_of(simulator, move.vm)


def test_cds_are_ejected_unless_they_are_mapped_to_their_own_sr(simulator: Simulator, xapi: Proxy) -> None:
    """A disc in a drive of a VM that moves with disks is ejected, also from a shared SR, unless the map keeps it."""
    iso = next(ref for ref, sr in simulator.database.items("SR") if sr["type"] == "iso")
    for number, kept in ((0, False), (1, True)):
        move = Move(simulator, xapi, number)
        drive = next(r for r in xapi.VM.get_VBDs(move.vm) if xapi.VBD.get_type(r) == "CD")
        disc = simulator.database.add(
            "VDI", {**simulator.database.get("VDI", move.disks[0]), "SR": iso, "VBDs": [drive]}
        )
        simulator.database.change("VBD", drive, VDI=disc, empty=False)
        vdi_map = move.vdi_map | ({disc: iso} if kept else {})
        xapi.VM.migrate_send(move.vm, move.dest(), True, vdi_map, {}, {})
        assert xapi.VBD.get_empty(drive) is not kept


def test_disks_of_a_vm_that_is_off_move_alone(simulator: Simulator, xapi: Proxy) -> None:
    """A halted VM stays halted, on no host, and its disks are on the SR asked for; no message tells of it."""
    move = Move(simulator, xapi)
    xapi.VM.hard_shutdown(move.vm)
    xapi.VM.migrate_send(*move.params())
    vm = xapi.VM.get_record(move.vm)
    assert (vm["power_state"], vm["resident_on"]) == ("Halted", NULL)
    assert "start" in vm["allowed_operations"]
    assert {xapi.VDI.get_SR(ref) for ref in Move.disks_of(simulator, move.vm)} == {move.storage}
    assert xapi.message.get_all_records() == {}


def test_a_running_vm_leaves_a_message(simulator: Simulator, xapi: Proxy) -> None:
    """Both kinds of move leave VM_MIGRATED about the VM, with both hosts in words."""
    move = Move(simulator, xapi)
    xapi.VM.pool_migrate(move.vm, move.target, LIVE)
    xapi.VM.pool_migrate(move.vm, move.source, LIVE)
    xapi.VM.migrate_send(*move.params())
    names = [xapi.host.get_name_label(ref) for ref in (move.source, move.target)]
    bodies = []
    for message in xapi.message.get_all_records().values():
        assert (message["name"], message["priority"], message["cls"]) == ("VM_MIGRATED", "5", "VM")
        assert message["obj_uuid"] == xapi.VM.get_uuid(move.vm)
        bodies.append(message["body"])
    assert [body.count(" migrated from host ") for body in bodies] == [1, 1, 1]
    assert [[name in body for name in names] for body in bodies] == [[True, True]] * 3


def test_an_sr_that_is_not_attached_is_attached(simulator: Simulator, xapi: Proxy) -> None:
    """Moving a disk to an SR whose PBD on the target is unplugged plugs it."""
    move = Move(simulator, xapi)
    (pbd,) = xapi.SR.get_PBDs(move.storage)
    simulator.database.change("PBD", pbd, currently_attached=False)
    xapi.VM.migrate_send(*move.params())
    assert xapi.PBD.get_currently_attached(pbd) is True


def test_ha_does_not_look_at_a_running_vm_with_disks(simulator: Simulator, xapi: Proxy) -> None:
    """A move that pool_migrate refuses for HA's plan passes as a move with disks, as in XAPI."""
    move = Move(simulator, xapi)
    ref, _ = next(simulator.database.items("pool"))
    simulator.database.change("pool", ref, ha_enabled=True, ha_plan_exists_for="1")
    host = simulator.database.get("host", move.target)
    # What is protected fits on the target once the source fails, but not besides the VM that arrives.
    protected = [
        (ref, vm)
        for ref, vm in simulator.database.items("VM")
        if vm["resident_on"] == move.source and not vm["is_control_domain"] and ref != move.vm
    ]
    for guest, _ in protected:
        simulator.database.change("VM", guest, ha_always_run=True, ha_restart_priority="restart")
    other = next(r for r, _ in simulator.database.items("host") if r not in {move.source, move.target})
    simulator.database.change("host", other, enabled=False)
    there = [vm for _, vm in protected]
    there += [vm for _, vm in simulator.database.items("VM") if vm["resident_on"] == move.target]
    needed = sum(int(vm["memory_static_max"]) + int(vm["memory_overhead"]) for vm in there)
    spare = int(xapi.VM.get_memory_static_max(move.vm)) // 2
    memory = str(needed + int(host["memory_overhead"]) + spare)
    simulator.database.change("host_metrics", host["metrics"], memory_total=memory)
    with pytest.raises(XenAPI.Failure, match="HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN"):
        xapi.VM.pool_migrate(move.vm, move.target, LIVE)
    xapi.VM.migrate_send(*move.params())
    assert xapi.VM.get_resident_on(move.vm) == move.target
