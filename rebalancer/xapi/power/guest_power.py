"""VMs that are shut down while their host is worked on, and started again: for those whose policy says so in words.

Guests are asked to shut down, never made to. Beside the two calls stand what has to be turned down meanwhile, so that
nobody starts them elsewhere: their restart priority with high availability, and the pool's `auto_poweron`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from rebalancer.inventory import Uuid
from rebalancer.inventory.records import Record
from rebalancer.xapi.power.host_power import assert_words

SHUTDOWN_VM: Final = "shutdown-vm"
"""The word of `execution.power` that permits to shut VMs down."""
START_VM: Final = "start-vm"
"""The word of `execution.power` that permits to start VMs: nobody is shut down who may not be started."""
WORDS: Final = (SHUTDOWN_VM, START_VM)
AUTO_POWER_ON: Final = "auto_poweron"
"""The key of `pool.other_config` that has XAPI start VMs with their host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestState:
    """What a VM shows: its power state, operations under way, restart priority, and its place when VMs start."""

    power_state: str
    operations: frozenset[str]
    restart_priority: str
    order: int
    start_delay: int


class GuestPower:
    """The door to all of it; it opens only where *allowed*, the words of a policy, has both words for it.

    Raises:
        InputError: it has not.
    """

    def __init__(
        self,
        task_of: Callable[..., str],
        send: Callable[..., object],
        ref_of: Callable[[str, Uuid], str],
        record_of: Callable[[str, str], Record],
        allowed: Collection[str],
    ) -> None:
        assert_words(allowed, WORDS)
        self._task_of, self._send, self._ref_of, self._record_of = task_of, send, ref_of, record_of

    def state(self, vm: Uuid) -> GuestState:
        """What *vm* shows now."""
        record = self._record_of("VM", self._ref_of("VM", vm))
        operations = record.get("current_operations", {})
        return GuestState(
            power_state=str(record.get("power_state", "")),
            operations=frozenset(map(str, operations.values())),
            restart_priority=str(record.get("ha_restart_priority", "")),
            order=int(record.get("order", 0)),
            start_delay=int(record.get("start_delay", 0)),
        )

    def shut_down(self, vm: Uuid) -> str:
        """Ask the guest of *vm* to shut down, once, and return the task; errors are those of `HostReboots.reboot`."""
        return self._task_of("Async.VM.clean_shutdown", self._ref_of("VM", vm))

    def start(self, vm: Uuid, host: Uuid) -> str:
        """Start *vm* on *host*, once, and return the task; errors are those of `HostReboots.reboot`."""
        paused = force = False
        return self._task_of("Async.VM.start_on", self._ref_of("VM", vm), self._ref_of("host", host), paused, force)

    def set_restart_priority(self, vm: Uuid, priority: str) -> None:
        """Have high availability restart *vm* with that priority; with "" not at all."""
        self._send("VM.set_ha_restart_priority", self._ref_of("VM", vm), priority)

    def auto_power_on(self, pool: Uuid) -> str:
        """Whether XAPI starts VMs with their host: what stands in *pool*, "" where nothing does."""
        known = self._record_of("pool", self._ref_of("pool", pool)).get("other_config", {})
        return str(known.get(AUTO_POWER_ON, ""))

    def set_auto_power_on(self, pool: Uuid, value: str) -> None:
        """Have *value* stand there; with "" nothing."""
        ref = self._ref_of("pool", pool)
        self._send("pool.remove_from_other_config", ref, AUTO_POWER_ON)
        if value:
            self._send("pool.add_to_other_config", ref, AUTO_POWER_ON, value)
