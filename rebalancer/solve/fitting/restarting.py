"""What restarts on the hosts that are left where others fail: as numbers, and as rows of the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from ortools.sat.python import cp_model

from rebalancer.solve.fitting.question import Bools, Ints

MOST_PLACES = 20_000
"""Kinds of VMs, hosts and failures, multiplied, up to which models know each restart: 32 hosts with 20 sizes."""
MOST_PAIRS = 500
"""VMs and hosts, multiplied, up to which a model knows each VM as well; above, it takes too long to be worth it."""
MOST_HELD = 1 << 50
"""Memory that no host has, in whatever unit."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Restarting:
    """Failures that have to stay outlived, and what is known of restarts; all in one unit of memory.

    Args:
        failures: hosts that fail together.
        room: what each host has for guests; -1 where none restarts, shape (hosts,).
        held: what each VM and then one newcomer of each kind holds where it runs, shape (VMs + kinds,).
        size: what each needs to restart; 0 for those that are not kept restartable, shape (VMs + kinds,).
        boots: where each may restart, shape (VMs + kinds, hosts).
        whole: hosts that other limits keep from holding more than their room, shape (hosts,).
    """

    failures: tuple[frozenset[int], ...]
    room: Ints
    held: Ints
    size: Ints
    boots: Bools
    whole: Bools

    @property
    def known(self) -> bool:
        """Whether a model of all restarts can be solved, in which VMs are counted."""
        return len(self.failures) * len(self.room) * len(self.alike()) <= MOST_PLACES

    @property
    def small(self) -> bool:
        """Whether one can in which VMs have names."""
        return len(self.size) * len(self.room) <= MOST_PAIRS

    def alike(self) -> list[Ints]:
        """Rows of those that may take each other's places in a restart."""
        found: dict[tuple[int, bytes], list[int]] = {}
        for row in np.flatnonzero(self.size).tolist():
            found.setdefault((int(self.size[row]), self.boots[row].tobytes()), []).append(row)
        return [np.array(rows, dtype=np.int64) for rows in found.values()]


Places = Mapping[tuple[int, int], cp_model.IntVar | int]
"""How many of a row, a VM or a kind of newcomers, are on a host; none where there is no entry."""


class RestartRows:
    """The rows by which all that fails restarts, exactly as rules judge it.

    A host that holds more than its room takes no restarts, and harms nobody else.
    """

    def __init__(self, model: cp_model.CpModel, asked: Restarting, places: Places) -> None:
        self._model, self._asked, self._places = model, asked, places
        self._open = np.flatnonzero(asked.room >= 0).tolist()
        self._groups = asked.alike()
        self._held = {host: self._holds(host) for host in self._open}
        self._whole = {
            host: model.new_constant(1) if asked.whole[host] else model.new_bool_var("") for host in self._open
        }

    def post(self) -> None:
        """Add all of them."""
        for host, whole in self._whole.items():
            self._model.add(self._held[host] <= int(self._asked.room[host])).only_enforce_if(whole)
        for failure in self._asked.failures:
            self._failure(failure)

    def _failure(self, failure: frozenset[int]) -> None:
        left = [host for host in self._open if host not in failure]
        taken: dict[int, list[tuple[int, cp_model.IntVar]]] = {host: [] for host in left}
        for rows in self._groups:
            size, boots = int(self._asked.size[rows[0]]), self._asked.boots[rows[0]]
            into = {host: self._restarts(host, size) for host in left if boots[host]}
            gone = [self._places.get((row, host), 0) for host in failure for row in rows.tolist()]
            self._model.add(cp_model.LinearExpr.sum(list(into.values())) == cp_model.LinearExpr.sum(gone))
            for host, count in into.items():
                taken[host].append((size, count))
        for host, counts in taken.items():
            need = sum((size * count for size, count in counts), self._held[host])
            self._model.add(need <= int(self._asked.room[host])).only_enforce_if(self._whole[host])

    def _restarts(self, host: int, size: int) -> cp_model.IntVar:
        """So many of a *size* restart on *host*; none where it is not whole."""
        count = self._model.new_int_var(0, int(self._asked.room[host]) // size, "")
        self._model.add(count == 0).only_enforce_if(self._whole[host].negated())
        return count

    def _holds(self, host: int) -> cp_model.LinearExpr:
        weights = self._asked.held.tolist()
        there = [self._places.get((row, host), 0) for row in range(len(weights))]
        held = self._model.new_int_var(0, int(self._asked.room[host]) if self._asked.whole[host] else MOST_HELD, "")
        self._model.add(cp_model.LinearExpr.weighted_sum(there, weights) == held)
        return held
