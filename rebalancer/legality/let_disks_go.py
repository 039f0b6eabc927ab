"""The way out for VMs that only their disks hold: to let them take disks along, where the policy lets none go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Rule
from rebalancer.rules.disks.shared_sr_visible import SharedSRVisible
from rebalancer.rules.routes import Routes
from rebalancer.units import size_in_words

ALLOW = "set storage_motion.enabled"
"""The line of the policy that lets disks go along."""


class LetDisksGo:
    """The VMs of *problem*, asked whether their disks alone hold them under *rules*."""

    def __init__(self, problem: Problem, rules: Sequence[Rule]) -> None:
        self._problem, self._rules = problem, rules

    def copied_bytes(self, objection: Objection, vm: VM, host: Host) -> int | None:
        """What the cheapest way with disks copies; None where *objection* has a way out, or this is none."""
        off = not self._problem.policy.storage_motion.enabled
        if objection.rule != SharedSRVisible.id or objection.remedy or not off:
            return None
        return next((way.copied_bytes for way in self._ways.ways(vm, host)), None)

    def settled(self, objection: Objection, vm: VM, host: Host) -> Objection:
        """*objection* to *vm* on *host*, with this way out and what it copies, where it is one."""
        copied = self.copied_bytes(objection, vm, host)
        return objection if copied is None else replace(objection, remedy=f"{ALLOW}, to copy {size_in_words(copied)}")

    @cached_property
    def _ways(self) -> Routes:
        """The ways that there would be with Storage XenMotion."""
        return Routes(self._problem.with_disks(), self._rules)
