"""What goes wrong on the way of a migration (XAPI.md 4.6): each row with its code, and where the VM is afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rebalancer.simulator.checks.facts import discs_of
from rebalancer.simulator.checks.memory import MIB, needed_memory
from rebalancer.simulator.faults.draws import between, one_of, some_move
from rebalancer.simulator.migration import residence
from rebalancer.simulator.migration.transfer import Transfer
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.fault import Fault, FaultKind, Occasion, Setting
from rebalancer.simulator.state.world import World

Error = Callable[[Transfer], tuple[str, ...]]

LOST_AT_THE_END: Final = "Failed during Synchronisation point 4"
END_OF_FILE: Final = "xenopsd internal error: End_of_file"
CODES: Final = ("VM_MIGRATE_FAILED", "INTERNAL_ERROR", "VMS_FAILED_TO_COOPERATE", "SR_BACKEND_FAILURE_46")
MOST_REBOOTS: Final = 3


def at(progress: float, least: float = 0.0, most: float = 1.0) -> Setting:
    """The progress at which something happens."""
    return Setting(words="progress, 0 to 1", default=str(progress), draw=between(least, most))


def _fails(_world: World, fault: Fault, transfer: Transfer) -> None:
    if fault.settings["code"] == "VM_MIGRATE_FAILED" and "params" not in fault.settings:
        raise transfer.broken()
    raise ApiFailure(fault.settings["code"], *fault.settings.get("params", "").split())


def _failing(name: str, words: str, progress: float, error: Error, *, operation: str | None = None) -> FaultKind:
    """A kind of which the migration fails while the VM runs on its source."""

    def fail(_world: World, _fault: Fault, transfer: Transfer) -> None:
        raise ApiFailure(*error(transfer))

    return FaultKind(
        name=name,
        words=words,
        occasion=Occasion.MOVE,
        effect=fail,
        settings={"at": at(progress, max(0.0, progress - 0.1), min(1.0, progress + 0.1))},
        operation=operation,
        trigger=some_move,
    )


def _halts(world: World, _fault: Fault, transfer: Transfer) -> None:
    residence.halt(world, transfer.move.vm)
    raise transfer.broken()


def _breaks_when_suspended(world: World, _fault: Fault, transfer: Transfer) -> None:
    residence.halt(world, transfer.move.vm)
    raise ApiFailure("INTERNAL_ERROR", END_OF_FILE)


def _is_lost_at_the_end(world: World, fault: Fault, transfer: Transfer) -> None:
    if (lag := fault.number("lag", 0.0)) > 0.0:
        world.later(lag, transfer.arrive_late)
    else:
        transfer.arrive()
    raise ApiFailure("INTERNAL_ERROR", LOST_AT_THE_END)


def _stalls(_world: World, fault: Fault, transfer: Transfer) -> None:
    transfer.pause(fault.number("seconds", 0.0) or float("inf"))


def _reboots(world: World, fault: Fault, transfer: Transfer) -> bool:
    """Begin anew with another domain; whether the guest reboots once more."""
    if transfer.reboots >= MOST_REBOOTS:
        raise ApiFailure("INTERNAL_ERROR", END_OF_FILE)
    residence.settle(world, transfer.move.vm, transfer.move.source)
    transfer.begin_again()
    return transfer.reboots < fault.number("reboots", 1.0)


def _short_of_memory(transfer: Transfer) -> tuple[str, ...]:
    needed = needed_memory(transfer.world.database.get("VM", transfer.move.vm))
    return "HOST_NOT_ENOUGH_FREE_MEMORY", str(needed), str(needed - MIB)


def _mirror_failed(transfer: Transfer) -> tuple[str, ...]:
    database = transfer.world.database
    disks = [ref for ref, _ in discs_of(database, database.get("VM", transfer.move.vm))]
    return "MIRROR_FAILED", *disks[:1]


def _loses_its_task(world: World, _fault: Fault, transfer: Transfer) -> None:
    with world.database.lock:
        if world.database.find("task", transfer.move.task) is not None:
            world.database.remove("task", transfer.move.task)


KINDS: Final = (
    FaultKind(
        name="move-fails",
        words="a migration of `vm` fails at progress `at` with `code` and `params`; the VM runs on its source",
        occasion=Occasion.MOVE,
        effect=_fails,
        settings={
            "at": at(0.5),
            "code": Setting(words="XAPI's error code", default="VM_MIGRATE_FAILED", draw=one_of(CODES)),
            "params": Setting(words="its parameters, between spaces"),
        },
        trigger=some_move,
    ),
    _failing(
        "source-unreachable",
        "the coordinator cannot reach the source, and says CANNOT_CONTACT_HOST before anything has begun",
        0.0,
        lambda transfer: ("CANNOT_CONTACT_HOST", transfer.move.source),
    ),
    _failing(
        "balloon-timeout",
        "the guest does not give its memory back in time, on hosts before 25.18: BALLOONING_TIMEOUT_BEFORE_MIGRATION; "
        "it runs on its source and stays squeezed",
        0.02,
        lambda transfer: ("BALLOONING_TIMEOUT_BEFORE_MIGRATION", transfer.move.vm),
    ),
    _failing(
        "memory-taken",
        "the target has less memory than XAPI's records say: HOST_NOT_ENOUGH_FREE_MEMORY, once the migration began",
        0.05,
        _short_of_memory,
    ),
    _failing(
        "uncooperative",
        "VMs on the target do not make room: VMS_FAILED_TO_COOPERATE",
        0.05,
        lambda transfer: ("VMS_FAILED_TO_COOPERATE", transfer.move.vm),
    ),
    _failing(
        "storage-fails",
        "the target cannot attach a disk: SR_BACKEND_FAILURE_46",
        0.05,
        lambda _: ("SR_BACKEND_FAILURE_46", "", "The VDI is not available [opterr=VDI already attached RW]", ""),
    ),
    _failing(
        "hook-fails",
        "a script of the source's dom0 says no: XAPI_HOOK_FAILED",
        0.01,
        lambda _: ("XAPI_HOOK_FAILED", "vm-pre-migrate", "vm-pre-migrate-hook", "", "1"),
    ),
    _failing(
        "no-suspend-ack",
        "the guest does not answer when it is to suspend: VM_FAILED_SUSPEND_ACKNOWLEDGMENT; it runs on its source",
        0.95,
        lambda transfer: ("VM_FAILED_SUSPEND_ACKNOWLEDGMENT", transfer.move.vm),
    ),
    _failing(
        "suspend-timeout",
        "the guest does not suspend in time: VM_SUSPEND_TIMEOUT; it runs on its source",
        0.95,
        lambda transfer: ("VM_SUSPEND_TIMEOUT", transfer.move.vm, "1200."),
    ),
    _failing(
        "stream-breaks",
        "the stream of memory breaks before the guest was suspended: INTERNAL_ERROR; it runs on its source",
        0.6,
        lambda _: ("INTERNAL_ERROR", END_OF_FILE),
    ),
    FaultKind(
        name="stream-breaks-late",
        words="the stream of memory breaks once the guest was suspended: INTERNAL_ERROR; XAPI shuts it down: halted",
        occasion=Occasion.MOVE,
        effect=_breaks_when_suspended,
        settings={"at": at(0.97, 0.9)},
        trigger=some_move,
    ),
    _failing(
        "target-unreachable",
        "the source cannot reach the target: VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED",
        0.1,
        lambda _: ("VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED",),
    ),
    FaultKind(
        name="handshake-lost",
        words="the last handshake is lost: the task fails with INTERNAL_ERROR, 'Synchronisation point 4', and the VM "
        "runs on the target, which the pool shows `lag` seconds later",
        occasion=Occasion.MOVE,
        effect=_is_lost_at_the_end,
        settings={
            "at": at(0.99, 0.97),
            "lag": Setting(words="seconds", default="0", draw=between(0.0, 20.0)),
        },
        operation="pool_migrate",
        trigger=some_move,
    ),
    FaultKind(
        name="vm-halts",
        words="`vm` shuts down inside its own migration, which fails: halted",
        occasion=Occasion.MOVE,
        effect=_halts,
        settings={"at": at(0.5)},
        trigger=some_move,
    ),
    FaultKind(
        name="guest-reboots",
        words="the guest reboots inside its own migration, `reboots` times, and its memory is copied anew; XAPI "
        "gives up after the third with INTERNAL_ERROR",
        occasion=Occasion.MOVE,
        effect=_reboots,
        settings={
            "at": at(0.5),
            "reboots": Setting(words="how often", default="1", draw=one_of(("1", "2", "4"))),
        },
        trigger=some_move,
    ),
    FaultKind(
        name="stalls",
        words="a migration stands still at progress `at` for `seconds`, 0 for ever; it can be cancelled",
        occasion=Occasion.MOVE,
        effect=_stalls,
        settings={"at": at(0.5), "seconds": Setting(words="seconds", default="0", draw=between(5.0, 300.0))},
        trigger=some_move,
    ),
    FaultKind(
        name="task-vanishes",
        words="the task of a migration is gone from progress `at` on, as after XAPI's garbage collection; it goes on",
        occasion=Occasion.MOVE,
        effect=_loses_its_task,
        settings={"at": at(0.5)},
        trigger=some_move,
    ),
    _failing(
        "mirror-fails",
        "the mirror of a disk breaks: MIRROR_FAILED; the VM runs on its source, on its old disks",
        0.5,
        _mirror_failed,
        operation="migrate_send",
    ),
    _failing(
        "copy-fails",
        "a disk cannot be copied: VDI_COPY_FAILED; the VM runs on its source, on its old disks",
        0.3,
        lambda _: ("VDI_COPY_FAILED",),
        operation="migrate_send",
    ),
    _failing(
        "sr-full",
        "the SR that disks are copied to is full: SR_BACKEND_FAILURE_44; the VM runs on its source, on its old disks",
        0.4,
        lambda _: ("SR_BACKEND_FAILURE_44", "", "There is insufficient space", ""),
        operation="migrate_send",
    ),
    FaultKind(
        name="copies-stay",
        words="the copies of disks that a failed migration of `vm` made are not removed",
        occasion=Occasion.IN_PLACE,
        operation="migrate_send",
        trigger=some_move,
    ),
    FaultKind(
        name="source-stays",
        words="`vm` runs in another pool after its migration there, and its record stays, halted, in its own",
        occasion=Occasion.IN_PLACE,
        operation="migrate_send",
        trigger=some_move,
    ),
    FaultKind(
        name="no-ballooning",
        words="`vm` gives no memory back before it is copied: without room for all of it, the migration fails late "
        "with HOST_NOT_ENOUGH_FREE_MEMORY",
        occasion=Occasion.IN_PLACE,
        trigger=some_move,
    ),
    FaultKind(
        name="stays-squeezed",
        words="`vm` has its dynamic minimum of memory after its migration, and gets no more by itself",
        occasion=Occasion.IN_PLACE,
        trigger=some_move,
    ),
)
