"""What the runner needs of a live pool; `rebalancer.xapi.LivePool` is the one that ships."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from rebalancer.inventory import Pool, Uuid
from rebalancer.xapi import GuestMemory, MetricsFailure, News, StorageMotion, TaskRow, TaskState, Whereabouts


class Marks(Protocol):
    """Keys that runs leave in a pool; every method may raise `Unreachable`, and may be asked again."""

    def of_pool(self, pool: Uuid) -> Mapping[str, str]:
        """Our keys in the `gui_config` of *pool*."""

    def add_to_pool(self, pool: Uuid, key: str, value: str) -> bool:
        """Whether *key* was added just now; False where it was there. RefusedByXapi if the user may not."""

    def remove_from_pool(self, pool: Uuid, key: str) -> None:
        """Remove *key*, if it is there."""

    def add_to_vm(self, vm: Uuid, key: str, value: str) -> bool:
        """Like `add_to_pool`, in the `other_config` of a VM."""

    def remove_from_vm(self, vm: Uuid, key: str) -> None:
        """Remove *key* from a VM, if it is there."""

    def clock(self, pool: Uuid) -> datetime:
        """The time on the coordinator's clock."""

    def tasks(self) -> tuple[TaskRow, ...]:
        """All tasks that the pool knows."""


class Live(Protocol):
    """A pool that can be looked at, asked and changed. Every method may raise `Unreachable`."""

    @property
    def marks(self) -> Marks:
        """What runs leave in it for each other."""

    def read(self) -> Pool:
        """The whole inventory, now."""

    def whereabouts(self, vm_uuid: Uuid) -> Whereabouts:
        """Where one VM is, now; raises RefusedByXapi if the pool does not know it."""

    def memory(self, vm_uuid: Uuid) -> GuestMemory:
        """What memory one VM has, now; raises RefusedByXapi if the pool does not know it."""

    def load(self, pool: Pool, host: Uuid) -> float | MetricsFailure:
        """pCPUs that a host of *pool* uses now, dom0 included, or why nobody knows."""

    def assert_may_migrate(self, vm_uuid: Uuid, host_uuid: Uuid) -> None:
        """Ask XAPI whether the VM may go there, changing nothing; raises RefusedByXapi if not."""

    def migrate(self, vm_uuid: Uuid, host_uuid: Uuid, network_uuid: Uuid | None = None) -> str:
        """Send the call once and return its task; memory travels over the network, None leaves that to XAPI.

        Raises:
            RefusedByXapi: XAPI does not take the call.
            Unreachable: nothing was sent.
            OutcomeUnknown: it was sent, and no answer came.
        """

    def assert_may_migrate_with_disks(self, motion: StorageMotion) -> None:
        """Ask XAPI whether the VM may go there with its disks; raises RefusedByXapi if not."""

    def migrate_with_disks(self, motion: StorageMotion) -> str:
        """Like `migrate`, with disks."""

    def task(self, ref: str) -> TaskState:
        """How a task stands; a task that is gone is `vanished`, not an error."""

    def news(self, tasks: Collection[str], vms: Collection[Uuid], seconds: float) -> News | None:
        """What has changed of *tasks* and *vms* since the last call, as soon as anything has; at first, how all stand.

        Nothing new once *seconds* are over, or where `wake` was called; None where nobody ever tells.

        Raises:
            XapiError: nobody tells now.
        """

    def wake(self) -> None:
        """End a call of `news`, or have the next one end at once; a signal handler may call it."""

    def hurry(self, seconds: float) -> None:
        """Wait no longer than *seconds* for any answer from now on; a signal handler may call it."""

    def cancel(self, ref: str) -> None:
        """Ask XAPI to cancel a task; raises RefusedByXapi if it cannot."""

    def forget(self, ref: str) -> None:
        """Let XAPI forget a task that has ended."""
