from __future__ import annotations

import time
import xmlrpc.client
from collections.abc import Iterator
from typing import Any

import pytest
import XenAPI

from rebalancer.simulator import SimulatedPool, Simulator

# The stock client answers with whatever the method answers.
Proxy = Any
NULL = "OpaqueRef:NULL"
LIVE = {"live": "true"}


@pytest.fixture
def simulator(small_pool: SimulatedPool) -> Iterator[Simulator]:
    """The small pool, running; a disk takes a fraction of a second."""
    with Simulator(small_pool, speed=1000.0, password="secret", login_delay=0.0) as running:
        yield running


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


def finished(xapi: Proxy, task: str, seconds: float = 20.0) -> dict[str, Any]:
    """The record of a task once it is over."""
    deadline = time.monotonic() + seconds
    while xapi.task.get_status(task) == "pending":
        assert time.monotonic() < deadline, "the task does not end"
        time.sleep(0.02)
    record: dict[str, Any] = xapi.task.get_record(task)
    return record


def used(xapi: Proxy, storage: str) -> int:
    """Bytes in use on an SR."""
    return int(xapi.SR.get_physical_utilisation(storage))


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


def test_a_receiver_needs_an_address_on_the_network(simulator: Simulator, xapi: Proxy) -> None:
    """A network without an address on the target, or without a port there, is refused by its own code."""
    move = Move(simulator, xapi)
    ports = [(ref, pif) for ref, pif in simulator.database.items("PIF") if pif["host"] == move.target]
    bare = next((ref, pif) for ref, pif in ports if not pif["IP"])
    with pytest.raises(XenAPI.Failure) as refused:
        xapi.host.migrate_receive(move.target, bare[1]["network"], {})
    assert refused.value.details == ["PIF_HAS_NO_NETWORK_CONFIGURATION", bare[0]]
    simulator.database.change("PIF", bare[0], ip_configuration_mode="DHCP")
    with pytest.raises(XenAPI.Failure, match="INTERFACE_HAS_NO_IP"):
        xapi.host.migrate_receive(move.target, bare[1]["network"], {})
    simulator.database.change("network", bare[1]["network"], PIFs=[])
    with pytest.raises(XenAPI.Failure, match="HOST_CANNOT_ATTACH_NETWORK"):
        xapi.host.migrate_receive(move.target, bare[1]["network"], {})


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
    with Simulator(small_pool, speed=10.0, password="secret") as simulator:
        xapi = connect(simulator).xenapi
        move = Move(simulator, xapi)
        before = used(xapi, move.storage)
        task = xapi.Async.VM.migrate_send(*move.params())
        time.sleep(0.2)
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


def test_disks_take_longer_than_memory(small_pool: SimulatedPool, connect: Proxy) -> None:
    """A move whose disks are copied lasts longer than one whose disks stay."""
    with Simulator(small_pool, speed=150.0, password="secret") as simulator:
        xapi = connect(simulator).xenapi
        move = Move(simulator, xapi)
        stay = {ref: xapi.VDI.get_SR(ref) for ref in move.disks}
        begun = time.monotonic()
        xapi.VM.migrate_send(move.vm, move.dest(), True, stay, {}, {})
        light = time.monotonic() - begun
        assert Move.disks_of(simulator, move.vm) == move.disks
        again = Move(simulator, xapi)
        begun = time.monotonic()
        xapi.VM.migrate_send(*again.params())
        assert time.monotonic() - begun > 1.5 * light


def test_only_three_leave_a_host_at_once(small_pool: SimulatedPool, connect: Proxy) -> None:
    """The fourth move with disks away from a host is refused at once; VM.assert_can_migrate knows nothing of that."""
    with Simulator(small_pool, speed=1.0, password="secret") as simulator:
        xapi = connect(simulator).xenapi
        every = [Move(simulator, xapi, number) for number in range(12)]
        first = every[0].source
        *three, fourth = [move for move in every if move.source == first][:4]
        under_way = [xapi.Async.VM.migrate_send(*move.params()) for move in three]
        while len(xapi.host.get_current_operations(fourth.target)) < 3:
            time.sleep(0.02)
        xapi.VM.assert_can_migrate(*fourth.params())
        with pytest.raises(XenAPI.Failure) as refused:
            xapi.VM.migrate_send(*fourth.params())
        assert refused.value.details == ["TOO_MANY_STORAGE_MIGRATES", "3"]
        assert [xapi.task.get_status(task) for task in under_way] == ["pending"] * 3
        assert xapi.VM.get_current_operations(fourth.vm) == {}


@pytest.mark.parametrize("stays", [False, True])
def test_a_full_sr_stops_a_move_half_way(simulator: Simulator, xapi: Proxy, stays: bool) -> None:
    """A disk that does not fit fails the move when its copy begins; earlier copies are removed, or stay by fault."""
    move = Move(simulator, xapi)
    disk = simulator.database.get("VDI", move.disks[0])
    small = {**disk, "uuid": "a small one", "virtual_size": "1048576", "physical_utilisation": "1048576"}
    extra = simulator.database.add("VDI", small)
    drives = simulator.database.get("VM", move.vm)["VBDs"]
    drive = {**simulator.database.get("VBD", drives[0]), "uuid": "a drive", "VDI": extra}
    simulator.database.change("VM", move.vm, VBDs=[*drives, simulator.database.add("VBD", drive)])
    simulator.database.change("SR", move.storage, physical_size=str(used(xapi, move.storage) + (1 << 30)))
    before = xapi.SR.get_VDIs(move.storage)
    if stays:
        simulator.faults.add("copies-stay", vm=simulator.world.uuid("VM", move.vm))
    both = {**move.vdi_map, extra: move.storage}
    xapi.VM.assert_can_migrate(move.vm, move.dest(), True, both, {}, {})
    with pytest.raises(XenAPI.Failure) as refused:
        xapi.VM.migrate_send(move.vm, move.dest(), True, both, {}, {})
    assert refused.value.details == ["SR_BACKEND_FAILURE_44", "", "There is insufficient space", ""]
    assert xapi.VM.get_resident_on(move.vm) == move.source
    assert Move.disks_of(simulator, move.vm) == [*move.disks, extra]
    assert len(xapi.SR.get_VDIs(move.storage)) - len(before) == int(stays)


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


def test_a_disk_that_stays_where_the_target_does_not_look_fails_late(simulator: Simulator, xapi: Proxy) -> None:
    """Mapped to the SR where it is, a disk passes every check; the move of its running VM fails all the same."""
    move = Move(simulator, xapi)
    home = next(
        pbd["SR"]
        for _, pbd in simulator.database.items("PBD")
        if pbd["host"] == move.source and simulator.database.get("SR", pbd["SR"])["type"] == "ext"
    )
    simulator.database.change("VDI", move.disks[0], SR=home)
    params: tuple[Any, ...] = (move.vm, move.dest(), True, {move.disks[0]: home}, {}, {})
    xapi.VM.assert_can_migrate(*params)
    with pytest.raises(XenAPI.Failure, match="Sr_not_attached"):
        xapi.VM.migrate_send(*params)
    assert xapi.VM.get_resident_on(move.vm) == move.source


def test_an_sr_that_is_not_attached_is_attached(simulator: Simulator, xapi: Proxy) -> None:
    """Moving a disk to an SR whose PBD on the target is unplugged plugs it."""
    move = Move(simulator, xapi)
    (pbd,) = xapi.SR.get_PBDs(move.storage)
    simulator.database.change("PBD", pbd, currently_attached=False)
    xapi.VM.migrate_send(*move.params())
    assert xapi.PBD.get_currently_attached(pbd) is True


def test_what_only_the_move_refuses(simulator: Simulator, xapi: Proxy) -> None:
    """on_boot = reset and copy mode pass VM.assert_can_migrate and are refused by VM.migrate_send."""
    move = Move(simulator, xapi)
    vm, dest, live, vdi_map, vif_map, _ = move.params()
    xapi.VM.assert_can_migrate(vm, dest, live, vdi_map, vif_map, {"copy": "true"})
    with pytest.raises(XenAPI.Failure, match="OPERATION_NOT_ALLOWED"):
        xapi.VM.migrate_send(vm, dest, live, vdi_map, vif_map, {"copy": "true"})
    simulator.database.change("VDI", move.disks[0], on_boot="reset")
    xapi.VM.assert_can_migrate(*move.params())
    with pytest.raises(XenAPI.Failure) as refused:
        xapi.VM.migrate_send(*move.params())
    assert refused.value.details == ["VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION", move.disks[0]]


def test_the_eighth_parameter_is_for_new_xapis(simulator: Simulator, xapi: Proxy) -> None:
    """The map of image formats is refused before xapi 26.15, and read from then on."""
    move = Move(simulator, xapi)
    formats = {move.disks[0]: "qcow2"}
    with pytest.raises(XenAPI.Failure) as refused:
        xapi.VM.migrate_send(*move.params(), {}, formats)
    assert refused.value.details == ["MESSAGE_PARAMETER_COUNT_MISMATCH", "VM.migrate_send", "7", "8"]
    host = simulator.database.get("host", simulator.world.coordinator)
    newer = {**host["software_version"], "xapi_build": "26.15.0"}
    for ref, _ in simulator.database.items("host"):
        simulator.database.change("host", ref, software_version=newer)
    driver = next(ref for ref, sm in simulator.database.items("SM") if sm["type"] == "ext")
    simulator.database.change("SM", driver, supported_image_formats=["vhd"])
    with pytest.raises(XenAPI.Failure, match="VDI_INCOMPATIBLE_TYPE"):
        xapi.VM.migrate_send(*move.params(), {}, formats)
    simulator.database.change("SM", driver, supported_image_formats=["vhd", "qcow2"])
    assert xapi.VM.migrate_send(*move.params(), {}, formats) == move.vm
    with pytest.raises(XenAPI.Failure, match="MESSAGE_PARAMETER_COUNT_MISMATCH"):
        xapi.VM.migrate_send(*move.params()[:5])


def test_a_session_that_ended_leads_nowhere(simulator: Simulator, xapi: Proxy) -> None:
    """A destination is no use once its session is gone, or for a host that the pool does not have."""
    move = Move(simulator, xapi)
    vm, dest, *rest = move.params()
    with pytest.raises(XenAPI.Failure, match="CANNOT_CONTACT_HOST"):
        xapi.VM.assert_can_migrate(vm, {**dest, "host": "OpaqueRef:elsewhere"}, *rest)
    with pytest.raises(XenAPI.Failure, match="Not_found"):
        xapi.VM.assert_can_migrate(vm, {"host": move.target}, *rest)
    simulator.database.remove("session", dest["session_id"])
    # The stock client takes the dead session for its own and logs in again, thrice.
    with pytest.raises(xmlrpc.client.Fault, match="valid session"):
        xapi.VM.assert_can_migrate(vm, dest, *rest)


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
