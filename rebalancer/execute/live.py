"""What the runner needs of a live pool; `rebalancer.xapi.LivePool` is the one that ships."""

from __future__ import annotations

from typing import Protocol

from rebalancer.inventory import Pool, Uuid
from rebalancer.xapi import StorageMotion, TaskState, Whereabouts


class Live(Protocol):
    """A pool that can be looked at, asked and changed. Every method may raise `Unreachable`."""

    def read(self) -> Pool:
        """The whole inventory, now."""

    def whereabouts(self, vm_uuid: Uuid) -> Whereabouts:
        """Where one VM is, now; raises RefusedByXapi if the pool does not know it."""

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

    def cancel(self, ref: str) -> None:
        """Ask XAPI to cancel a task; raises RefusedByXapi if it cannot."""

    def forget(self, ref: str) -> None:
        """Let XAPI forget a task that has ended."""
