"""Hosts that are taken out of service and back: the two calls, for those whose policy says so in words.

Both may be sent twice: a host that is disabled already stays so, and one that is enabled, too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from rebalancer.errors import InputError
from rebalancer.inventory import Uuid

DISABLE: Final = "disable"
"""The word of `execution.power` that permits both calls."""


class HostService:
    """The door to the two calls; it opens only where *allowed*, the words of a policy, has the one for it.

    Raises:
        InputError: it has not.
    """

    def __init__(
        self, send: Callable[..., object], ref_of: Callable[[str, Uuid], str], allowed: Collection[str]
    ) -> None:
        assert_permitted(allowed)
        self._send, self._ref_of = send, ref_of

    def disable(self, host: Uuid) -> None:
        """Let no VM come to *host*, be it started or moved, until it is enabled or boots.

        Raises:
            RefusedByXapi: with XAPI's code, as where high availability counts on the host.
            Unreachable: no answer came; to ask again does no harm.
        """
        self._send("host.disable", self._ref_of("host", host))

    def enable(self, host: Uuid) -> None:
        """Let VMs come to *host* again; errors are those of `disable`."""
        self._send("host.enable", self._ref_of("host", host))


def assert_permitted(allowed: Collection[str]) -> None:
    """Pass where the words of a policy permit to disable and enable hosts.

    Raises:
        InputError: they do not.
    """
    if DISABLE not in allowed:
        problem = "the policy does not allow to disable hosts, or to enable them"
        raise InputError("execution.power", problem, f'Write `power = ["{DISABLE}"]` to [execution] of --policy')
