"""The only door through which a pool can be changed: two calls, `VM.pool_migrate` and `VM.migrate_send`, sent once.

Beside them stand marks that runs leave for each other, and whom XAPI asks for advice: they change nothing that runs,
see `rebalancer.xapi.marks` and `rebalancer.xapi.balancing`.

Hosts are disabled, enabled, rebooted, switched off and on, and VMs shut down and started, only for those who hold the
words of a policy that allow it, see `rebalancer.xapi.power`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Self

from rebalancer.errors import RefusedByXapi
from rebalancer.inventory import Pool, Uuid
from rebalancer.inventory.reading.fields import Fields
from rebalancer.inventory.reading.tables import NULL_REFS
from rebalancer.inventory.reading.vm import power_state
from rebalancer.xapi.balancing import Balancing
from rebalancer.xapi.credentials import Credentials
from rebalancer.xapi.marks import PoolMarks, ours
from rebalancer.xapi.patience import NONE, OF_COMMANDS, Patience
from rebalancer.xapi.power.guest_power import GuestPower
from rebalancer.xapi.power.hard_shutdown import HardShutdowns
from rebalancer.xapi.power.host_power import HostPower
from rebalancer.xapi.power.reboots import HostReboots
from rebalancer.xapi.power.service import HostService
from rebalancer.xapi.reading.kept import KeptInventory
from rebalancer.xapi.reading.listening import Listener, ObjectEvent
from rebalancer.xapi.reading.load_now import load_now
from rebalancer.xapi.reading.memory import GuestMemory, guest_memory
from rebalancer.xapi.receivers import Receivers
from rebalancer.xapi.sender import Sender
from rebalancer.xapi.session import ReadSession, connect
from rebalancer.xapi.task_state import VANISHED, task_state
from rebalancer.xapi.translation import understanding
from rebalancer.xapi.values import MetricsFailure, News, StorageMotion, TaskState, Whereabouts
from rebalancer.xapi.wire.transport import OVER_NETWORKS, Wires
from rebalancer.xapi.wire.trust import Trust


def live_pool(
    url: str,
    credentials: Credentials,
    trust: Trust,
    *,
    timeout_seconds: float = 30.0,
    patience: Patience = OF_COMMANDS,
    fallbacks: Sequence[str] = (),
    wires: Wires = OVER_NETWORKS,
) -> LivePool:
    """The pool at *url*, to be read and changed; *patience* is for the login, later whoever watches steps waits.

    Where *url* does not answer, the hosts at *fallbacks* are asked. Calls go out over *wires*.

    Raises:
        ConnectionSettingsError: the URL or the trust cannot be used.
        XapiError: see `connect`.
    """
    session = connect(
        url,
        credentials,
        trust,
        timeout_seconds=timeout_seconds,
        patience=patience,
        fallbacks=fallbacks,
        wires=wires,
    )
    session.patience = replace(NONE, sleep=patience.sleep)
    return LivePool(session)


class LivePool:
    """A pool that can be read, asked and changed; objects are named by uuid, tasks by reference.

    Every method may raise `Unreachable`: then nothing was changed.
    """

    def __init__(self, session: ReadSession) -> None:
        self._session = session
        self._sender = Sender(session)
        self._listener = Listener(session)
        self._inventory = KeptInventory(session)
        self._refs: dict[tuple[str, Uuid], str] = {}
        self._hosts: dict[str, Uuid] = {}
        self.balancing = Balancing(session, self._sender.send_harmless)
        self.marks = PoolMarks(session, self._sender.send_harmless, self.ref_of)
        self.receivers = Receivers(session, self._sender.send_harmless, self._sender.send_in, self.ref_of)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Log out, of receivers that were never used, too."""
        self.receivers.close()
        self._listener.close()
        self._session.__exit__(*error)

    @property
    def url(self) -> str:
        """The URL of the coordinator."""
        return self._session.url

    def read(self) -> Pool:
        """The whole inventory, now: what has changed is read since the last time, where XAPI tells what that is."""
        pool = self._inventory.read()
        for ref, uuid in self._inventory.hosts.items():
            self._hosts[ref], self._refs["host", uuid] = uuid, ref
        return pool

    def whereabouts(self, vm_uuid: Uuid) -> Whereabouts:
        """Where a VM is, now; a VM that has come back to a pool goes by another reference than before.

        Raises:
            RefusedByXapi: the pool does not know the VM.
        """
        self._refs["VM", vm_uuid] = ref = self._session.ref("VM", vm_uuid)
        fields = Fields("VM", self._session.record("VM", ref))
        with understanding(self.url):
            return Whereabouts(
                power_state=power_state(fields),
                resident_on=self._host(fields.text("resident_on")),
                scheduled_to=self._host(fields.text("scheduled_to_be_resident_on")),
                operations=fields.operations(),
                blocked=fields.texts("blocked_operations"),
                marks=ours(fields.texts("other_config")),
            )

    def memory(self, vm_uuid: Uuid) -> GuestMemory:
        """What memory a VM has, now.

        Raises:
            RefusedByXapi: the pool does not know the VM.
        """
        return guest_memory(self._session, vm_uuid)

    def load(self, pool: Pool, host: Uuid) -> float | MetricsFailure:
        """pCPUs that a host of *pool* uses now, or why nobody knows."""
        return load_now(self._session, pool, host)

    def assert_may_migrate(self, vm_uuid: Uuid, host_uuid: Uuid) -> None:
        """Ask XAPI whether the VM may go there, changing nothing.

        Raises:
            RefusedByXapi: with XAPI's code.
        """
        self._session.assert_may_migrate(self.ref_of("VM", vm_uuid), self.ref_of("host", host_uuid))

    def migrate(self, vm_uuid: Uuid, host_uuid: Uuid, network_uuid: Uuid | None = None) -> str:
        """Start `VM.pool_migrate` and return its task; the call is sent once, on a connection of its own.

        Memory travels over the network with *network_uuid*; None leaves that to XAPI.

        Raises:
            RefusedByXapi: XAPI does not take the call.
            Unreachable: nothing was sent, or XAPI turned it away unread.
            OutcomeUnknown: it was sent, and no answer came.
        """
        vm, host = self.ref_of("VM", vm_uuid), self.ref_of("host", host_uuid)
        over = {"network": self.ref_of("network", network_uuid)} if network_uuid else {}
        return self._sender.task_of("Async.VM.pool_migrate", vm, host, {"live": "true"} | over)

    def assert_may_migrate_with_disks(self, motion: StorageMotion, into: LivePool | None = None) -> None:
        """Ask XAPI whether the VM may take its disks along, changing nothing but that the host gets ready to receive.

        The host is in the pool `into`, if that is another one.

        Raises:
            RefusedByXapi: with XAPI's code.
        """
        vm = self.ref_of("VM", motion.vm)
        self._session.assert_operation_valid(vm, "migrate_send")
        receiver = into or self
        receiver.receivers.turn_away(motion)
        self._sender.send_harmless("VM.assert_can_migrate", *self._arguments(motion, receiver))

    def migrate_with_disks(self, motion: StorageMotion, into: LivePool | None = None) -> str:
        """Start `VM.migrate_send` and return its task; like `migrate`, and with the same errors."""
        receiver = into or self
        arguments = self._arguments(motion, receiver)
        receiver.receivers.hand_over(motion)
        return self._sender.task_of("Async.VM.migrate_send", *arguments)

    def _arguments(self, motion: StorageMotion, receiver: LivePool) -> tuple[object, ...]:
        """What both calls of Storage XenMotion take: VM, destination, live, VDI map, VIF map, options."""
        disks = {self.ref_of("VDI", vdi): receiver.ref_of("SR", sr) for vdi, sr in motion.sr_of.items()}
        networks = {self.ref_of("VIF", vif): receiver.ref_of("network", net) for vif, net in motion.network_of.items()}
        return self.ref_of("VM", motion.vm), receiver.receivers.of(motion), True, disks, networks, {}

    def service(self, allowed: Collection[str]) -> HostService:
        """The door to disabling and enabling hosts, where *allowed*, the words of a policy, permits it.

        Raises:
            InputError: it does not.
        """
        return HostService(self._sender.send_harmless, self.ref_of, allowed)

    def reboots(self, allowed: Collection[str]) -> HostReboots:
        """The door to rebooting hosts, where *allowed*, the words of a policy, permits it.

        Raises:
            InputError: it does not.
        """
        return HostReboots(self._sender.task_of, self.ref_of, allowed)

    def host_power(self, allowed: Collection[str]) -> HostPower:
        """The door to switching hosts off and on; each call asks *allowed*, the words of a policy."""
        return HostPower(self._sender.send_harmless, self.ref_of, self._session.record, allowed)

    def guest_power(self, allowed: Collection[str]) -> GuestPower:
        """The door to shutting VMs down and starting them, where *allowed*, the words of a policy, permits it.

        Raises:
            InputError: it does not.
        """
        return GuestPower(self._sender.task_of, self._sender.send_harmless, self.ref_of, self._session.record, allowed)

    def hard_shutdowns(self, allowed: Collection[str], named: Collection[str]) -> HardShutdowns:
        """The door to switching VMs off without their guest; arguments and errors are those of `HardShutdowns`."""
        return HardShutdowns(self._sender.task_of, self.ref_of, self._session.record, allowed, named)

    def task(self, ref: str) -> TaskState:
        """How a task stands."""
        try:
            fields = Fields("task", self._session.record("task", ref))
        except RefusedByXapi as refused:
            if refused.code != "HANDLE_INVALID":
                raise
            return VANISHED
        with understanding(self.url):
            return self._state(fields)

    def news(self, tasks: Collection[str], vms: Collection[Uuid], seconds: float) -> News:
        """What has changed of *tasks* and *vms* since the last call, as soon as anything has; at first, how all stand.

        Nothing once *seconds* are over, or where `wake` was called.

        Raises:
            XapiError: the pool cannot tell, or does not answer.
        """
        called = {self.ref_of("VM", vm): vm for vm in vms}
        objects = [*(f"task/{ref}" for ref in sorted(tasks)), *(f"vm/{ref}" for ref in sorted(called))]
        events = self._listener.changes(objects, seconds)
        with understanding(self.url):
            return News(
                tasks={each.ref: self._told(each) for each in events if each.kind == "task"},
                vms=frozenset(called[each.ref] for each in events if each.ref in called),
            )

    def wake(self) -> None:
        """End a call of `news`, or have the next one end at once; for signal handlers and other threads."""
        self._listener.wake()

    def hurry(self, seconds: float) -> None:
        """Wait no longer than *seconds* for any answer from now on; for signal handlers."""
        self._session.hurry(seconds)

    def _told(self, event: ObjectEvent) -> TaskState:
        return VANISHED if event.record is None else self._state(Fields("task", event.record))

    def _state(self, fields: Fields) -> TaskState:
        return task_state(fields, self._session.called.told)

    def cancel(self, ref: str) -> None:
        """Ask XAPI to cancel a task.

        Raises:
            RefusedByXapi: it cannot be cancelled, or is gone.
            Unreachable: no answer came; to ask again does no harm.
        """
        self._sender.send_harmless("task.cancel", ref)

    def forget(self, ref: str) -> None:
        """Let XAPI forget a task that has ended; one that is already gone is forgotten."""
        try:
            self._sender.send_harmless("task.destroy", ref)
        except RefusedByXapi as refused:
            if refused.code != "HANDLE_INVALID":
                raise

    def ref_of(self, kind: str, uuid: Uuid) -> str:
        """The reference by which the pool knows an object; asked once."""
        if (kind, uuid) not in self._refs:
            self._refs[kind, uuid] = self._session.ref(kind, uuid)
        return self._refs[kind, uuid]

    def _host(self, ref: str) -> Uuid | None:
        if ref in NULL_REFS:
            return None
        if ref not in self._hosts:
            self._hosts[ref] = Fields("host", self._session.record("host", ref)).uuid
        return self._hosts[ref]
