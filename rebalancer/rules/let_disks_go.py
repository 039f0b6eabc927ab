"""The remedy for VMs that only their disks hold: to let them take disks along, where the policy lets none go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

from rebalancer.inventory import VM, Host
from rebalancer.rules.core.kinds import Objection
from rebalancer.rules.disks.shared_sr_visible import SharedSRVisible
from rebalancer.rules.routes import Routes
from rebalancer.units import size_in_words

ALLOW = "set storage_motion.enabled"
"""The line of the policy that lets disks go along."""


class LetDisksGo:
    """Tells of VMs whether their disks alone hold them.

    Args:
        enabled: whether the policy lets disks go along.
        with_disks: the routes that there would be if it did.
    """

    def __init__(self, *, enabled: bool, with_disks: Callable[[], Routes]) -> None:
        self._enabled, self._with_disks = enabled, with_disks

    def copied_bytes(self, objection: Objection, vm: VM, host: Host) -> int | None:
        """What the cheapest route with disks copies; None where *objection* has a remedy, or this is none."""
        if objection.rule != SharedSRVisible.id or objection.remedy or self._enabled:
            return None
        return next((route.copied_bytes for route in self._routes.routes(vm, host)), None)

    def settled(self, objection: Objection, vm: VM, host: Host) -> Objection:
        """*objection* to *vm* on *host*, with this remedy and what it copies, where it is one."""
        copied = self.copied_bytes(objection, vm, host)
        return objection if copied is None else replace(objection, remedy=f"{ALLOW}, to copy {size_in_words(copied)}")

    @cached_property
    def _routes(self) -> Routes:
        return self._with_disks()
