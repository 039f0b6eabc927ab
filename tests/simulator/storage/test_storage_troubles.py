from __future__ import annotations

import time
import xmlrpc.client
from typing import Any

import pytest
import XenAPI

from rebalancer.simulator import SimulatedPool, Simulator
from tests.simulator.storage.motion import Move, Proxy, take_snapshot, used


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


MARKS: dict[str, dict[str, Any]] = {
    "VDI_CBT_ENABLED": {"cbt_enabled": True},
    "VDI_IS_ENCRYPTED": {"sm_config": {"key_hash": "1"}},
}


@pytest.mark.parametrize("code", MARKS)
def test_only_the_move_asks_about_snapshots(simulator: Simulator, xapi: Proxy, code: str) -> None:
    """The disk of a snapshot follows its origin to another SR; both dry runs let it pass, the move does not begin."""
    move = Move(simulator, xapi)
    disk = take_snapshot(simulator, move.vm, **MARKS[code])
    xapi.VM.assert_operation_valid(move.vm, "migrate_send")
    xapi.VM.assert_can_migrate(*move.params())
    with pytest.raises(XenAPI.Failure) as refused:
        xapi.VM.migrate_send(*move.params())
    assert refused.value.details == [code, disk]
    assert xapi.VM.get_current_operations(move.vm) == {}


@pytest.mark.parametrize("known", [True, False])
def test_memory_of_a_snapshot_that_the_target_does_not_know(simulator: Simulator, xapi: Proxy, *, known: bool) -> None:
    """It goes along, so that it is asked like a disk; one that not even the source sees stops the move."""
    move = Move(simulator, xapi)
    database = simulator.database
    homes = [pbd for _, pbd in database.items("PBD") if database.get("SR", pbd["SR"])["type"] == "ext"]
    host = move.source if known else next(pbd["host"] for pbd in homes if pbd["host"] not in {move.source, move.target})
    local = next(pbd["SR"] for pbd in homes if pbd["host"] == host)
    image = take_snapshot(simulator, move.vm, with_memory=True, SR=local, cbt_enabled=True)
    xapi.VM.assert_can_migrate(*move.params())
    with pytest.raises(XenAPI.Failure) as refused:
        xapi.VM.migrate_send(*move.params())
    assert refused.value.details == ["VDI_CBT_ENABLED" if known else "SUSPEND_IMAGE_NOT_ACCESSIBLE", image]


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


@pytest.mark.parametrize(("at", "place"), [(0.2, "source"), (1.0, "target")])
def test_a_toolstack_that_dies_leaves_all_or_nothing_moved(
    small_pool: SimulatedPool, connect: Proxy, at: float, place: str
) -> None:
    """A VM whose disks are not all there cannot have moved when the toolstack restarts; later it and its disks have."""
    # Slow enough for the memory to take a tick of its own after the disks.
    with Simulator(small_pool, speed=100.0, password="secret") as simulator:
        move = Move(simulator, xapi := connect(simulator).xenapi)
        simulator.faults.add("toolstack-restart", at=at, outcome="moved")
        task = xapi.Async.VM.migrate_send(*move.params())
        while simulator.database.get("VM", move.vm)["current_operations"] or not simulator.world.restarts:
            time.sleep(0.02)
        assert simulator.database.get("task", task)["status"] == "cancelled"
        assert simulator.database.get("VM", move.vm)["resident_on"] == getattr(move, place)
        homes = {simulator.database.get("VDI", ref)["SR"] for ref in Move.disks_of(simulator, move.vm)}
        assert (homes == {move.storage}) is (place == "target")
