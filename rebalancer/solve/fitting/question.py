"""The question how many more fit, in whole numbers: what hosts hold, what VMs and newcomers weigh."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WideRow:
    """A limit over several hosts: weights of VMs and of newcomers there sum to at most `upper`."""

    hosts: Ints
    resident: Ints
    arrival: Ints
    newcomer: Ints
    upper: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tie:
    """VMs that share a host; those that are apart now stay on the hosts that they have. Newcomers of `kinds` join."""

    vms: Ints
    kinds: Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """Hosts, the VMs that may move among them, and the newcomers, in several kinds and a ratio.

    Args:
        upper: what each host may hold of each row, what never moves taken off, shape (hosts, rows).
        resident: what each VM weighs where it is, shape (VMs, rows).
        arrival: what it weighs where it comes, shape (VMs, rows).
        newcomer: what one of each kind weighs, shape (kinds, rows).
        home: the host of each VM, shape (VMs,).
        allowed: where each VM may be, its home included, shape (VMs, hosts).
        takes: where each kind may start, shape (kinds, hosts).
        ratio: how many of each kind make one, shape (kinds,).
        wide: limits over several hosts.
        ties: groups that share a host.
        totals: {what: (of each kind, at most)} of what the whole pool has, such as space of SRs.
    """

    upper: Ints
    resident: Ints
    arrival: Ints
    newcomer: Ints
    home: Ints
    allowed: Bools
    takes: Bools
    ratio: Ints
    wide: Sequence[WideRow]
    ties: Sequence[Tie]
    totals: Mapping[str, tuple[Ints, int]]

    @property
    def hosts(self) -> int:
        """How many hosts there are."""
        return len(self.upper)

    def free(self, at: Ints) -> Ints:
        """What each host has left of each row with the VMs *at* hosts, shape (hosts, rows)."""
        weights = np.where((at == self.home)[:, None], self.resident, self.arrival)
        held = np.zeros_like(self.upper)
        np.add.at(held, at, weights)
        return self.upper - held

    def wide_free(self, at: Ints) -> list[int]:
        """What is left of the limits over several hosts."""
        return [row.upper - int(self._held(row, at).sum()) for row in self.wide]

    def _held(self, row: WideRow, at: Ints) -> Ints:
        here, before = np.isin(at, row.hosts), np.isin(self.home, row.hosts)
        held: Ints = np.where(here, np.where(before, row.resident, row.arrival), 0)
        return held


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """VMs *at* hosts, and how many of each kind start on each, shape (kinds, hosts); in all `count` times the ratio."""

    at: Ints
    starts: Ints
    count: int
    bound: int

    @property
    def proved(self) -> bool:
        """Whether no more fit, that is proved."""
        return self.count == self.bound
