"""On which host the next newcomer starts, where nobody moves: the one after which hosts are least unlike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rebalancer.objectives import cpu_capacities, host_load
from rebalancer.problem import Problem
from rebalancer.whatif.fit.question import LOAD, FitQuestion
from rebalancer.whatif.newcomers.newcomer import Newcomer

Floats = NDArray[np.float64]


class Evenness(Protocol):
    """An order of hosts that follows who has started."""

    def order(self, kind: int) -> list[int]:
        """Hosts, the best for one more of a *kind* first."""

    def add(self, kind: int, host: int) -> None:
        """One of a *kind* has started on a *host*."""


class EvenRows:
    """By what is held of all limits: the scarcest of those on load, and the scarcest of all else."""

    def __init__(self, asked: FitQuestion) -> None:
        self._numbers = asked.question
        self._free = self._numbers.free(self._numbers.home)
        self._loads = np.array([rule == LOAD for rule, _ in asked.rules])

    def order(self, kind: int) -> list[int]:
        """Hosts, the best for one more of a *kind* first."""
        numbers = self._numbers
        upper = np.maximum(numbers.upper, 1)
        held, more = (numbers.upper - self._free) / upper, numbers.newcomer[kind] / upper
        unlike = np.zeros(numbers.hosts)
        for rows in (self._loads, ~self._loads):
            if (numbers.newcomer[kind][rows] > 0).any():
                unlike += _unlike(held[:, rows].max(axis=1), (held + more)[:, rows].max(axis=1))
        return _sorted(unlike)

    def add(self, kind: int, host: int) -> None:
        """One of a *kind* has started on a *host*."""
        self._free[host] -= self._numbers.newcomer[kind]


class ClusterScore:
    """By the load of the busiest slot and by memory, as shares of each host: as Ganeti's hspace scores a cluster.

    Source: Ganeti, hspace(1) and hbal(1), cluster score of free memory and CPU load.
    """

    def __init__(self, problem: Problem, kinds: Sequence[Newcomer]) -> None:
        pool = problem.pool
        rows = {host: row for row, host in enumerate(pool.hosts)}
        memory = np.array([float(host.memory_total_bytes or 1) for host in pool.hosts.values()])
        self._memory = np.zeros(len(rows))
        for vm, host in problem.initial.host_of.items():
            self._memory[rows[host]] += pool.vms[vm].migration_memory_bytes
        self._memory /= memory
        self._sizes = [each.vm.memory.static_max_bytes / memory for each in kinds]
        self._load, self._pcpus = np.zeros(len(rows)), [np.zeros(len(rows)) for _ in kinds]
        if problem.demand is not None:
            capacities = cpu_capacities(problem)
            capacities = np.where(capacities > 0, capacities, 1.0)
            self._load = host_load(problem.initial, problem).max(axis=1) / capacities
            self._pcpus = [each.load_in(problem.demand).max() / capacities for each in kinds]

    def order(self, kind: int) -> list[int]:
        """Hosts, the best for one more of a *kind* first."""
        load, memory = self._load, self._memory
        return _sorted(_unlike(load, load + self._pcpus[kind]) + _unlike(memory, memory + self._sizes[kind]))

    def add(self, kind: int, host: int) -> None:
        """One of a *kind* has started on a *host*."""
        self._load[host] += self._pcpus[kind][host]
        self._memory[host] += self._sizes[kind][host]


def _unlike(now: Floats, then: Floats) -> Floats:
    """For each host, how unlike all are once it is as it is *then* and the others are as *now*."""
    found: Floats = np.where(np.eye(len(now), dtype=np.bool_), then[:, None], now).std(axis=1)
    return found


def _sorted(unlike: Floats) -> list[int]:
    return [int(host) for host in np.argsort(unlike, kind="stable")]
