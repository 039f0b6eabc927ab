"""Hosts that XAPI reboots: one call, for those whose policy says so in words."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from rebalancer.errors import InputError
from rebalancer.inventory import Uuid
from rebalancer.xapi.power.service import DISABLE

CALL: Final = "host.reboot"
REBOOT: Final = "reboot"
"""The word of `execution.power` that permits the call, beside that which permits to disable the host."""


class HostReboots:
    """The door to `host.reboot`; it opens only where *allowed*, the words of a policy, has both words for it.

    Raises:
        InputError: it has not.
    """

    def __init__(
        self, task_of: Callable[..., str], ref_of: Callable[[str, Uuid], str], allowed: Collection[str]
    ) -> None:
        missing = [word for word in (DISABLE, REBOOT) if word not in allowed]
        if missing:
            remedy = f'Write `power = ["{DISABLE}", "{REBOOT}"]` to [execution] of --policy'
            raise InputError("execution.power", "the policy does not allow to reboot hosts", remedy)
        self._task_of, self._ref_of = task_of, ref_of

    def reboot(self, host: Uuid) -> str:
        """Reboot *host*, which has to be disabled, and return the task; what still runs there goes down with it.

        The call is sent once: whoever hears no answer looks whether the host goes down.

        Raises:
            RefusedByXapi: XAPI does not take the call.
            Unreachable: nothing was sent.
            OutcomeUnknown: it was sent, and no answer came.
        """
        return self._task_of(f"Async.{CALL}", self._ref_of("host", host))
