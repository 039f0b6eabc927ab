"""What somebody else does to VMs meanwhile: HA, Workload Balancing, a backup, people, the guest itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import uuid4

from rebalancer.simulator.checks import boot_here, memory
from rebalancer.simulator.faults.draws import a_guest, a_halted_guest, a_host, between, one_of, running, some_moment
from rebalancer.simulator.migration import power, removal, residence
from rebalancer.simulator.state.database import Database
from rebalancer.simulator.state.fault import Fault, FaultKind, Occasion, Setting
from rebalancer.simulator.state.schema import NULL
from rebalancer.simulator.state.world import World

OTHER: Final = Setting(
    words="the VM that it happens to; without it, the one in whose migration it strikes, or the first that runs",
    draw=a_guest,
)
SECONDS: Final = Setting(words="seconds", default="30", draw=between(1.0, 120.0))


def _victim(world: World, fault: Fault, vm: str) -> str:
    """The ref of the VM that a fault befalls."""
    database = world.database
    if "other" in fault.settings:
        return database.by_uuid("VM", fault.settings["other"])
    if vm != NULL:
        return vm
    if "vm" in fault.about:
        return database.by_uuid("VM", fault.about["vm"])
    return database.by_uuid("VM", min(running({"VM": database.all("VM")})))


def _move(world: World, fault: Fault, vm: str) -> None:
    database, guest = world.database, _victim(world, fault, vm)
    if "to" in fault.settings:
        host = database.by_uuid("host", fault.settings["to"])
    else:
        host = _roomiest(database, guest, but=database.get("VM", guest)["resident_on"])
    residence.settle(world, guest, host)


def _roomiest(database: Database, vm: str, but: str = NULL) -> str:
    """The host with most memory left of those where a VM may run, or of all."""
    hosts = [ref for ref, _ in database.items("host") if ref != but]
    able = [ref for ref in hosts if boot_here.has_room(database, vm, ref)] or hosts
    return max(able, key=lambda ref: (memory.free_memory(database, ref), ref))


def _start(world: World, fault: Fault, _vm: str) -> None:
    database = world.database
    off = [(record["name_label"], ref) for ref, record in database.items("VM") if _is_off(record)]
    guest = (
        database.by_uuid("VM", fault.settings["other"])
        if fault.settings.get("other")
        else min(off, default=("", NULL))[1]
    )
    if guest != NULL:
        to = fault.settings.get("to")
        power.boot(world, guest, database.by_uuid("host", to) if to else _roomiest(database, guest))


def _is_off(record: Mapping[str, object]) -> bool:
    kept = record["is_control_domain"] or record["is_a_template"] or record["is_a_snapshot"]
    return record["power_state"] == "Halted" and not kept


def _shut_down(world: World, fault: Fault, vm: str) -> None:
    residence.halt(world, _victim(world, fault, vm))


def _delete(world: World, fault: Fault, vm: str) -> None:
    guest = _victim(world, fault, vm)
    with world.database.lock:
        residence.halt(world, guest)
        removal.destroy(world.database, guest)


def _suspend(world: World, fault: Fault, vm: str) -> None:
    guest = _victim(world, fault, vm)
    with world.database.lock:
        residence.settle(world, guest, NULL)
        world.database.change("VM", guest, power_state="Suspended")


def _be_busy(world: World, fault: Fault, vm: str) -> None:
    """A task that nobody sees does something with the VM for a while; whatever else is to be done waits."""
    guest, task = _victim(world, fault, vm), f"OpaqueRef:{uuid4()}"
    operations = world.database.get("VM", guest)["current_operations"]
    operation = fault.settings.get("operation", "snapshot")
    world.database.change("VM", guest, current_operations={**operations, task: operation})
    world.later(fault.number("seconds", 30.0), lambda: _without(world.database, guest, "current_operations", task))


def _be_blocked(world: World, fault: Fault, vm: str) -> None:
    guest, operation = _victim(world, fault, vm), fault.settings.get("operation", "pool_migrate")
    blocked = world.database.get("VM", guest)["blocked_operations"]
    reason = fault.settings.get("reason", "Backup in progress")
    world.database.change("VM", guest, blocked_operations={**blocked, operation: reason})
    world.later(fault.number("seconds", 30.0), lambda: _without(world.database, guest, "blocked_operations", operation))


def _without(database: Database, vm: str, field: str, key: str) -> None:
    with database.lock:
        if (record := database.find("VM", vm)) is not None:
            database.change("VM", vm, **{field: {name: each for name, each in record[field].items() if name != key}})


KINDS: Final = (
    FaultKind(
        name="other-actor",
        words="somebody moves `other` to host `to`, without asking",
        occasion=Occasion.POOL,
        effect=_move,
        settings={
            "other": OTHER,
            "to": Setting(words="a host; without it, the one with most memory left", draw=a_host),
        },
        trigger=some_moment,
    ),
    FaultKind(
        name="vm-started",
        words="somebody starts `other`, which was off, on host `to`",
        occasion=Occasion.POOL,
        effect=_start,
        settings={
            "other": Setting(words="a VM; without it, the first by name that is off", draw=a_halted_guest),
            "to": Setting(words="a host; without it, the one with most memory left", draw=a_host),
        },
        trigger=some_moment,
    ),
    FaultKind(
        name="vm-shut-down",
        words="somebody shuts `other` down; its migration, if there is one, fails: halted",
        occasion=Occasion.POOL,
        effect=_shut_down,
        settings={"other": OTHER},
        trigger=some_moment,
    ),
    FaultKind(
        name="vm-suspended",
        words="somebody suspends `other`; its migration, if there is one, fails: suspended",
        occasion=Occasion.POOL,
        effect=_suspend,
        settings={"other": OTHER},
        trigger=some_moment,
    ),
    FaultKind(
        name="vm-deleted",
        words="somebody shuts `other` down and deletes it; its migration, if there is one, fails with HANDLE_INVALID",
        occasion=Occasion.POOL,
        effect=_delete,
        settings={"other": OTHER},
        trigger=some_moment,
    ),
    FaultKind(
        name="vm-busy",
        words="`operation` is under way on `other` for `seconds`; a migration that is asked for meanwhile waits",
        occasion=Occasion.POOL,
        effect=_be_busy,
        settings={
            "other": OTHER,
            "operation": Setting(words="an operation of VMs", default="snapshot", draw=one_of(("snapshot", "export"))),
            "seconds": SECONDS,
        },
        trigger=some_moment,
    ),
    FaultKind(
        name="vm-blocked",
        words="`operation` of `other` is blocked for `seconds` with `reason`: OPERATION_BLOCKED",
        occasion=Occasion.POOL,
        effect=_be_blocked,
        settings={
            "other": OTHER,
            "operation": Setting(words="an operation of VMs", default="pool_migrate"),
            "reason": Setting(words="in words", default="Backup in progress"),
            "seconds": SECONDS,
        },
        trigger=some_moment,
    ),
)
