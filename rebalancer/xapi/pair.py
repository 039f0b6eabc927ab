"""Two pools that a plan moves VMs between, behind the same door as one: each call goes to the pool that it is about."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Self

from rebalancer.errors import InputError, InventoryError, RefusedByXapi
from rebalancer.inventory import Pool, PowerState, Uuid, join_pools, xapi_uuid
from rebalancer.xapi.live import LivePool
from rebalancer.xapi.pair_marks import UNKNOWN, PairMarks
from rebalancer.xapi.reading.memory import GuestMemory
from rebalancer.xapi.values import MetricsFailure, StorageMotion, TaskState, TaskStatus, Whereabouts

LEFT = (
    "Where it runs in one and is off in the other, a migration has left that record behind: look at it, and remove it "
    "there with xe vm-destroy, which touches no disk"
)
"""What to do where a VM is at rest in both pools."""


class LivePair:
    """Two live pools, read as one.

    A VM on its way from one to the other is known to both for a while. At rest it has to be in one of them only: where
    it is not, nobody is told a host, so that people look.
    """

    def __init__(self, first: LivePool, beside: LivePool) -> None:
        self._pools = (first, beside)
        self._sides: dict[Uuid, LivePool] = {}
        self._tasks: dict[str, LivePool] = {}
        self.marks = PairMarks(first.marks, beside.marks)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for live in self._pools:
            live.__exit__(*error)

    def read(self) -> Pool:
        """Both inventories, now; a VM on its way counts where it runs.

        They are read one after the other, so that a VM that arrives between both looks seems to be in both: what
        is in both is read once more.

        Raises:
            InventoryError: both have the same host, or the same VM: a run could not tell which is which.
        """
        try:
            pool = self._joined()
            if _twins(pool):
                pool = self._joined()
        except InputError as error:
            raise InventoryError([f"{error.where}: {error.problem}"]) from error
        where = " and ".join(member.called for member in pool.members)
        if twins := _twins(pool):
            raise InventoryError([f"pools {where}: VM '{pool.vms[vm].name}' ({vm}) is in both. {LEFT}" for vm in twins])
        return pool

    def _joined(self) -> Pool:
        """Both inventories as one; an `InputError` where a host stands in both."""
        first, beside = (live.read() for live in self._pools)
        self._sides = {
            host: live for live, pool in zip(self._pools, (first, beside), strict=True) for host in pool.hosts
        }
        return join_pools(_without_arrivals(first, beside), _without_arrivals(beside, first))

    def whereabouts(self, vm_uuid: Uuid) -> Whereabouts:
        """Where a VM is, now: nowhere, with a note, if it is at rest in both pools.

        Raises:
            RefusedByXapi: neither pool knows the VM.
        """
        found = self._looks(vm_uuid)
        busy = [look for _, look in found if look.operations or look.scheduled_to]
        if len(found) == 1 or busy:
            return busy[0] if busy else found[0][1]
        said = " and ".join(f"{str(look.power_state).lower()} at {live.url}" for live, look in found)
        note = f"both pools know the VM: {said}; whichever does not run it has to be cleaned up by hand"
        return Whereabouts(
            power_state=PowerState.RUNNING, resident_on=None, scheduled_to=None, operations=(), note=note
        )

    def memory(self, vm_uuid: Uuid) -> GuestMemory:
        """What memory a VM has in the pool where it runs, now."""
        found = self._looks(vm_uuid)
        live = next((live for live, look in found if look.resident_on is not None), found[0][0])
        return live.memory(vm_uuid)

    def load(self, pool: Pool, host: Uuid) -> float | MetricsFailure:
        """pCPUs that a host of one of the two pools uses now, or why nobody knows."""
        return self._of_host(host).load(pool.of_host(host), host)

    def assert_may_migrate(self, vm_uuid: Uuid, host_uuid: Uuid) -> None:
        """As `LivePool` does it."""
        self._of_host(host_uuid).assert_may_migrate(vm_uuid, host_uuid)

    def migrate(self, vm_uuid: Uuid, host_uuid: Uuid, network_uuid: Uuid | None = None) -> str:
        """As `LivePool` does it, inside one pool."""
        live = self._of_host(host_uuid)
        return self._noted(live, live.migrate(vm_uuid, host_uuid, network_uuid))

    def assert_may_migrate_with_disks(self, motion: StorageMotion) -> None:
        """As `LivePool` does it, inside one pool or from one to the other."""
        self._of_host(motion.source).assert_may_migrate_with_disks(motion, self._of_host(motion.host))

    def migrate_with_disks(self, motion: StorageMotion) -> str:
        """As `LivePool` does it, inside one pool or from one to the other."""
        live = self._of_host(motion.source)
        return self._noted(live, live.migrate_with_disks(motion, self._of_host(motion.host)))

    def task(self, ref: str) -> TaskState:
        """How a task stands, in whichever pool has it."""
        found = [live.task(ref) for live in self._asked(ref)]
        return next((state for state in found if state.status is not TaskStatus.VANISHED), found[0])

    def news(self, tasks: Collection[str], vms: Collection[Uuid], seconds: float) -> None:
        """Neither pool can wait for the other: whoever watches both looks again by itself."""

    def wake(self) -> None:
        """Nobody waits."""

    def hurry(self, seconds: float) -> None:
        """As `LivePool` does it."""
        for live in self._pools:
            live.hurry(seconds)

    def cancel(self, ref: str) -> None:
        """As `LivePool` does it."""
        self._having(ref).cancel(ref)

    def forget(self, ref: str) -> None:
        """As `LivePool` does it."""
        self._having(ref).forget(ref)

    def _of_host(self, host: Uuid) -> LivePool:
        """The pool that has *host*; the first one, which will say so, where neither has."""
        return self._sides.get(host, self._pools[0])

    def _noted(self, live: LivePool, ref: str) -> str:
        self._tasks[ref] = live
        return ref

    def _asked(self, ref: str) -> tuple[LivePool, ...]:
        """Who may know a task: both pools, where an earlier run has sent it."""
        return (self._tasks[ref],) if ref in self._tasks else self._pools

    def _having(self, ref: str) -> LivePool:
        known = (live for live in self._asked(ref) if live.task(ref).status is not TaskStatus.VANISHED)
        return next(known, self._pools[0])

    def _looks(self, vm_uuid: Uuid) -> list[tuple[LivePool, Whereabouts]]:
        """Where each pool that knows a VM has it; a `RefusedByXapi` where neither does."""
        found, refused = [], None
        for live in self._pools:
            try:
                found.append((live, live.whereabouts(vm_uuid)))
            except RefusedByXapi as error:
                if error.code not in UNKNOWN:
                    raise
                refused = error
        if refused is not None and not found:
            raise refused
        return found


def _twins(pool: Pool) -> list[Uuid]:
    """The VMs that both pools know."""
    return sorted({xapi_uuid(vm) for vm in pool.vms if pool.is_known_twice(vm)})


def _without_arrivals(pool: Pool, other: Pool) -> Pool:
    """*pool* without VMs that *other* sends to it or receives from it just now, and that occupy no host of *pool*."""
    twins = pool.vms.keys() & other.vms.keys()
    under_way = {
        vm for vm in twins if {"migrate_send"} & {*pool.vms[vm].current_operations, *other.vms[vm].current_operations}
    }
    arriving = {vm for vm in under_way if pool.vms[vm].resident_on is None}
    gone = arriving.union(*(pool.vms[vm].snapshots for vm in arriving))
    return replace(pool, vms={uuid: vm for uuid, vm in pool.vms.items() if uuid not in gone}) if gone else pool
