"""Hosts that are switched off and on: two calls, for those whose policy says so in words.

Both may be sent twice: a host that goes down already, or is up, refuses the second call. What the pool shows counts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from rebalancer.errors import InputError
from rebalancer.inventory import Uuid
from rebalancer.inventory.records import Record

SHUTDOWN: Final = "shutdown"
"""The word of `execution.power` that permits to switch hosts off."""
POWER_ON: Final = "power-on"
"""The word of `execution.power` that permits to switch hosts on."""


class HostPower:
    """The door to both calls; each opens only where *allowed*, the words of a policy, has the one for it."""

    def __init__(
        self,
        send: Callable[..., object],
        ref_of: Callable[[str, Uuid], str],
        record_of: Callable[[str, str], Record],
        allowed: Collection[str],
    ) -> None:
        self._send, self._ref_of, self._record_of, self._allowed = send, ref_of, record_of, allowed

    def mode(self, host: Uuid) -> str:
        """How XAPI switches *host* on, by its record now: `wake-on-lan`, `IPMI`, a plugin; "" where it cannot."""
        return str(self._record_of("host", self._ref_of("host", host)).get("power_on_mode", ""))

    def shut_down(self, host: Uuid) -> None:
        """Switch *host* off, which has to be disabled; guests that still run there go down with it.

        Raises:
            InputError: the policy does not permit it.
            RefusedByXapi: with XAPI's code.
            Unreachable: no answer came; the call may have come through.
        """
        assert_words(self._allowed, [SHUTDOWN])
        self._send("host.shutdown", self._ref_of("host", host))

    def switch_on(self, host: Uuid) -> None:
        """Switch *host* on in its own mode; errors are those of `shut_down`."""
        assert_words(self._allowed, [POWER_ON])
        self._send("host.power_on", self._ref_of("host", host))


def assert_words(allowed: Collection[str], needed: Collection[str]) -> None:
    """Pass where *allowed*, the words of a policy, has all that are *needed*.

    Raises:
        InputError: it has not.
    """
    missing = [word for word in needed if word not in allowed]
    if missing:
        listed = ", ".join(f'"{word}"' for word in missing)
        wanted = ", ".join(f'"{word}"' for word in (*allowed, *missing))
        problem = f"the policy does not say {listed}"
        raise InputError("execution.power", problem, f"Write `power = [{wanted}]` to [execution] of --policy")
