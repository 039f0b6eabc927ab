"""Evacuations that are solved in the background: where everybody on a host would go while nobody else moves."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import rebalancer as rb
from rebalancer.errors import RebalancerError
from rebalancer.inventory import Uuid
from rebalancer.plan.duration import NO_EXPERIENCE
from rebalancer.units import counted
from rebalancer.whatif.evacuate import emptied
from rebalancer.whatif.maintenance import maintained
from rebalancer.wlb.view import View

EACH_SECONDS: Final = 10.0
"""The most work that one host is worth."""
BATCH: Final = 8
"""Hosts that are solved one after another by one process, which reads the pool once."""
OLD: Final = timedelta(hours=1)
"""After so long a host is solved anew, whoever is there."""
Targets = Mapping[Uuid, Uuid]
"""The host of each VM that leaves."""


def solved(
    state: rb.PoolState, policy: rb.Policy, hosts: Sequence[Uuid], made_at: datetime, within: float
) -> dict[Uuid, Targets]:
    """Where the VMs of each of *hosts* go, as far as *within* seconds suffice: nothing where not all of them can.

    Each host is emptied by itself. To be run in whatever process.
    """
    ends, found = time.monotonic() + within, dict[Uuid, Targets]()
    for host in hosts:
        if time.monotonic() >= ends:
            break
        found[host] = _solved(state, policy, host, made_at)
    return found


def _solved(state: rb.PoolState, policy: rb.Policy, host: Uuid, made_at: datetime) -> Targets:
    others = tuple(vm.uuid for vm in state.pool.resident_guests() if vm.resident_on != host)
    seconds = min(EACH_SECONDS, policy.limits.solve_seconds)
    changed = {
        "never_move": (*policy.never_move, *others),
        "limits": policy.limits.model_copy(update={"solve_seconds": seconds}),
        "storage_motion": policy.storage_motion.model_copy(update={"enabled": False}),
    }
    try:
        problem = rb.Model(state, policy.model_copy(update=changed)).problem
        plan = emptied(maintained(problem), [host], made_at=made_at, pace=NO_EXPERIENCE).plan
    except RebalancerError:
        return {}
    return {} if plan is None else {step.vm: step.target for step in plan.steps if step.source == host}


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """What came of a host: who was there then, and where each would go; nowhere, if not all could leave."""

    guests: frozenset[Uuid]
    targets: Targets
    at: datetime


class Evacuations:
    """The solved evacuations of a pool, and which hosts are to be solved next."""

    def __init__(self) -> None:
        self._solved: dict[Uuid, Solved] = {}
        self._urgent: dict[Uuid, None] = {}

    def targets(self, host: Uuid) -> Targets:
        """Where the VMs of *host* went when it was last solved; nothing where that did not succeed, or never was."""
        found = self._solved.get(host)
        return found.targets if found else {}

    def hurry(self, host: Uuid) -> None:
        """Somebody asks about *host*, and not everybody there has a place: solve it next."""
        self._urgent[host] = None

    def keep(self, found: Mapping[Uuid, Targets], view: View, at: datetime) -> None:
        """Note what came of hosts as they were in *view*."""
        guests = _guests(view)
        for host, targets in found.items():
            self._solved[host] = Solved(guests=guests.get(host, frozenset()), targets=targets, at=at)
            self._urgent.pop(host, None)

    def wanting(self, view: View, now: datetime) -> list[Uuid]:
        """Hosts that are to be solved: others are there than were, or it is long ago; those in a hurry first."""
        return sorted(self._wanting(view, now), key=lambda host: host not in self._urgent)

    def _wanting(self, view: View, now: datetime) -> Iterator[Uuid]:
        for host, guests in _guests(view).items():
            known = self._solved.get(host)
            if known is None or known.guests != guests or now - known.at >= OLD:
                yield host

    def standing(self, view: View) -> str:
        """How many hosts are solved, in words."""
        hosts = _guests(view)
        done = sum(bool(self.targets(host)) for host in hosts)
        there = counted(len(hosts), "host with VMs", "hosts with VMs")
        return f"of {there}, evacuations of {done} are solved, others packed one after another"


def _guests(view: View) -> dict[Uuid, frozenset[Uuid]]:
    """The VMs on each host that has any."""
    found: dict[Uuid, set[Uuid]] = {}
    for vm, host in view.problem.initial.host_of.items():
        found.setdefault(host, set()).add(vm)
    return {host: frozenset(vms) for host, vms in found.items()}
