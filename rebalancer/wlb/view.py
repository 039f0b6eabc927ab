"""A pool as it was seen last, with everything worked out that answers rest on."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

import rebalancer as rb
from rebalancer.demand import LoadProfile
from rebalancer.errors import PolicyError
from rebalancer.inventory import VM, Host, Uuid
from rebalancer.objectives.levels import Levels, levels_of, load_in_columns
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.rules.core.kinds import Affinity
from rebalancer.rules.core.ledger import Ledger
from rebalancer.whatif.newcomers.newcomer import newcomers
from rebalancer.whatif.newcomers.starts import Starts

Answer = TypeVar("Answer")
Loads = NDArray[np.float64]
"""Load in columns: CPU in pCPUs by slot, then every other resource."""


@dataclass(frozen=True)
class View:
    """A pool under a policy at the moment when it was read.

    Args:
        model: pool, demand and policy.
        seen_at: when the inventory was read, UTC.
        profile: the load profile as it was measured, of which the model's demand was made.
    """

    model: rb.Model
    seen_at: datetime
    profile: LoadProfile | None = None

    @property
    def problem(self) -> Problem:
        """Pool, demand and policy together."""
        return self.model.problem

    @property
    def book(self) -> Rulebook:
        """The rules."""
        return self.model.rulebook

    def prepare(self) -> None:
        """Work out now what the first answer would have to wait for."""
        _ = self.ledger, self.load, self.levels, self._starting
        for view in {id(each): each for each in (self, self.emptying)}.values():
            _ = view.load, view.levels
            for vm in self.problem.initial:
                view.book.live.targets(self.problem.pool.vms[vm])

    @cached_property
    def emptying(self) -> View:
        """The pool for whoever empties a host: VMs may move that are left alone but for maintenance."""
        policy = self.model.policy
        plan = policy.plan.model_copy(update={"maintenance": True})
        model = rb.Model(self.model.state, policy.model_copy(update={"plan": plan}))
        return self if model.problem.intent == self.problem.intent else replace(self, model=model)

    @cached_property
    def live_hosts(self) -> tuple[Host, ...]:
        """The hosts that XAPI wants to hear of."""
        return tuple(host for host in self.problem.pool.hosts.values() if host.live)

    @cached_property
    def ledger(self) -> Ledger:
        """What hosts hold now, by all limits, those at the end of a plan too: one move may be all there is."""
        return self.new_ledger()

    def new_ledger(self) -> Ledger:
        """The same, to be changed."""
        return Ledger(self.book.limits, self.problem.pool, self.problem.initial)

    @cached_property
    def groups(self) -> tuple[frozenset[Uuid], ...]:
        """VMs that have to stay together."""
        limits = (bound.limit for bound in self.book.limits)
        return tuple(limit.vms for limit in limits if isinstance(limit, Affinity) and limit.hard)

    @cached_property
    def load(self) -> Loads | None:
        """What each host has to carry, shape (hosts, columns); None without metrics."""
        return None if self.problem.demand is None else load_in_columns(self.problem.initial, self.problem)

    @cached_property
    def levels(self) -> tuple[Levels, ...]:
        """What load costs."""
        return () if self.problem.demand is None else levels_of(self.problem)

    @cached_property
    def place_of(self) -> dict[Uuid, int]:
        """The row of each host in tables."""
        return {host: number for number, host in enumerate(self.problem.pool.hosts)}

    def load_of(self, vm: VM) -> Loads:
        """What a VM adds to its host, shape (columns,).

        Of a VM that was never measured it is what the measured ones need for each vCPU on average, times its vCPUs.
        """
        rows = self._rows
        if (number := self._row_of.get(vm.uuid)) is not None:
            found: Loads = rows[number]
            return found
        vcpus = sum(_vcpus(self.problem.pool.vms[uuid]) for uuid in self._row_of if uuid in self.problem.pool.vms)
        share: Loads = rows.sum(axis=0) * (_vcpus(vm) / max(1, vcpus))
        return share

    @cached_property
    def _row_of(self) -> dict[Uuid, int]:
        demand = self.problem.demand
        return {} if demand is None else {vm: number for number, vm in enumerate(demand.vms)}

    @cached_property
    def _rows(self) -> Loads:
        demand = self.problem.demand
        if demand is None:
            return np.zeros((0, 0))
        return np.hstack([demand.vm_pcpu, *(each.vm for each in self.problem.resources.all)])

    def is_measured(self, vm: Uuid) -> bool:
        """Whether the load profile knows the VM."""
        return vm in self._row_of

    def starts(self, vm: VM) -> Starts:
        """Where *vm*, a guest that does not run, may start.

        Raises:
            PolicyError: the policy contradicts itself once it runs.
        """
        everybody = self._starting
        return everybody if everybody and vm.uuid in everybody.problem.pool.vms else self._starts_of([vm])

    @cached_property
    def _starting(self) -> Starts | None:
        """Limits that count every guest; None where the policy contradicts itself once all of them run."""
        running = self.problem.initial.host_of
        try:
            return self._starts_of(vm for vm in self.problem.pool.guests() if vm.uuid not in running)
        except PolicyError:
            return None

    def _starts_of(self, vms: Iterable[VM]) -> Starts:
        """A guest that is nowhere comes as itself, whatever was said of where it is."""
        pool = self.problem.pool
        return Starts(self.problem, [each for vm in vms for each in newcomers(replace(vm, resident_on=None), 1, pool)])

    def once(self, key: Hashable, make: Callable[[], Answer]) -> Answer:
        """What *make* makes, made once for this view and remembered by *key*."""
        if key not in self._made:
            self._made[key] = make()
        found: Answer = self._made[key]
        return found

    @cached_property
    def _made(self) -> dict[Hashable, Any]:
        return {}


def _vcpus(vm: VM) -> int:
    return vm.metrics.vcpus_number if vm.metrics and vm.metrics.vcpus_number else vm.vcpus_max
