"""What each step changes on the two hosts at the hour that matters, and why its target: the figures of its reason.

All shares are of the host's CPU capacity. Steps are taken in the order in which they stand; where several run at once,
figures of the hours between are those of that order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rebalancer.describe.figures import load_shares
from rebalancer.inventory import Uuid
from rebalancer.objectives import cpu_capacities
from rebalancer.placement import Migration, Placement
from rebalancer.rules import Rulebook

ALIKE: Final = 1e-4
"""Shares that differ less are the same: plans keep six digits of every pCPU."""
CHOICE: Final = re.compile(r"; (?:the only host|one of \d+ hosts|the least loaded of \d+ hosts) that may take it$")
"""How the words about a target end; they are the word of whoever made the plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFigures:
    """Shares of CPU at *slot*, of the source and of the target, before and after a step.

    `choice` tells why this target, in words.
    """

    slot: int
    source: tuple[float, float]
    target: tuple[float, float]
    choice: str

    @property
    def eased(self) -> float:
        """What the VM uses, as a share of the source."""
        return self.source[0] - self.source[1]


def figures_of(migrations: Sequence[Migration], book: Rulebook, *, hot: Sequence[bool]) -> Iterator[StepFigures | None]:
    """What each of *migrations* changes, in their order; None where VMs are parked or nothing was measured.

    Args:
        migrations: from where VMs are, in a legal order.
        book: the rules, before the first of them.
        hot: whether each is made for the load of its source: then that one's busiest hour counts, else the target's.
    """
    if book.problem.demand is None:
        yield from (None for _ in migrations)
        return
    course = _Course(book)
    for move, for_load in zip(migrations, hot, strict=True):
        found = course.step(move, for_load=for_load)
        yield None if move.hop else found


class _Course:
    """The load of every host while steps are made."""

    def __init__(self, book: Rulebook) -> None:
        self._book, self._problem = book, book.problem
        self._row = {host: number for number, host in enumerate(book.problem.pool.hosts)}
        self._at = dict(book.problem.initial.host_of)
        self._shares = load_shares(book.problem, book.problem.initial)
        self._capacity = cpu_capacities(book.problem)

    def step(self, move: Migration, *, for_load: bool) -> StepFigures:
        """Make *move*, and tell what it changes."""
        ends = [self._row[move.source], self._row[move.target]]
        before = self._shares[ends].copy()
        self._at[move.vm] = move.target
        here = Placement({vm: host for vm, host in self._at.items() if host in {move.source, move.target}})
        after = load_shares(self._problem, here)[ends]
        self._shares[ends] = after
        slot = busiest(before[0] if for_load else after[1])
        (source, target), (left, reached) = before[:, slot], after[:, slot]
        uses = (source - left) * self._capacity[ends[0]]
        return StepFigures(
            slot=slot,
            source=(float(source), float(left)),
            target=(float(target), float(reached)),
            choice=self._choice(move, slot, float(uses)),
        )

    def _choice(self, move: Migration, slot: int, uses: float) -> str:
        vm = self._problem.pool.vms.get(move.vm)
        hosts = [host for host in (self._book.targets(vm) if vm else {}) if host in self._row]
        others = [host for host in hosts if host not in {move.target, move.source}]
        count = len(others) + 1
        if not others:
            return "the only host that may take it"
        least = min(self._with(host, slot, uses) for host in others)
        best = self._shares[self._row[move.target], slot] <= least + ALIKE
        return f"{'the least loaded' if best else 'one'} of {count} hosts that may take it"

    def _with(self, host: Uuid, slot: int, uses: float) -> float:
        """The share that *host* would come to if the VM came there instead."""
        row = self._row[host]
        room = float(self._capacity[row])
        return float(self._shares[row, slot]) + (uses / room if room > 0 else 0.0)


def busiest(shares: NDArray[np.float64]) -> int:
    """The first slot whose share is the highest, or as good as."""
    return int(np.flatnonzero(shares >= shares.max() - ALIKE)[0])


def without_choice(reason: str) -> str:
    """*reason* without the words about the choice of its target."""
    return CHOICE.sub("", reason)
