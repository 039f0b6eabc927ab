"""Simple balancers to compare with: they keep the rules of a policy, and know neither prices nor bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rebalancer.errors import MetricsRefused
from rebalancer.policy import Policy
from rebalancer.rules import Rulebook
from rebalancer.whatif.replay.board import Board, Floats
from rebalancer.whatif.replay.night import Decision, Night

Climb = Callable[[Board], None]

NEGLIGIBLE = 1e-9
EVEN = 0.05
"""The imbalance that the hill climb leaves alone: the most eager of the levels that VMware's scheduler has."""
LEAST_GAIN = 0.0001
"""What a move has to lower the imbalance by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Greedy:
    """Of all single moves always the one that relieves most overload, over all slots, for the square root of its GiB.

    By GiB alone, many small moves would be made where one larger is enough.
    """

    policy: Policy
    name: str = "greedy"

    def decide(self, night: Night) -> Decision:
        """Where moves lead until none relieves anything."""
        return _decided(night, self.policy, _greedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class HillClimb:
    """The move that lowers the spread of the hosts' loads most, again and again, at the one moment with most overload.

    As VMware's Distributed Resource Scheduler does it (Gulati et al., VMware Distributed Resource Management, 2012).
    """

    policy: Policy
    name: str = "hill-climb"

    def decide(self, night: Night) -> Decision:
        """Where moves lead until the spread is small, or none lowers it."""
        return _decided(night, self.policy, _hill_climb)


def _decided(night: Night, policy: Policy, climb: Climb) -> Decision:
    try:
        board = Board(Rulebook.of(night.problem(policy)))
    except MetricsRefused as error:
        return Decision(placement=night.in_hindsight(policy).initial, words=str(error), planned=False)
    climb(board)
    return Decision(placement=board.placement(), words="")


def _greedy(board: Board) -> None:
    while (best := _most_relief(board)) is not None:
        board.move(*best)


def _most_relief(board: Board) -> tuple[int, int] | None:
    hot = board.overload(board.used) > NEGLIGIBLE
    ways = [_relief(board, int(unit)) for unit in np.flatnonzero(hot[board.at])]
    found = max(ways, default=(0.0, 0, 0))
    return found[1:] if found[0] > NEGLIGIBLE else None


def _relief(board: Board, unit: int) -> tuple[float, int, int]:
    """The best move of one unit: what it is worth, the unit, the host."""
    here, load = np.array([board.at[unit]]), board.load[unit]
    relieved = float((board.overload(board.used[here], here) - board.overload(board.used[here] - load, here))[0])
    if relieved <= NEGLIGIBLE:
        return 0.0, unit, 0
    added = board.overload(board.used + load) - board.overload(board.used)
    gain = np.where(board.open_hosts(unit), relieved - added, 0.0) / np.sqrt(board.gib[unit])
    host = int(gain.argmax())
    return float(gain[host]), unit, host


def _hill_climb(board: Board) -> None:
    known = board.cpus > 0
    slot = int(np.maximum(board.used - board.limits[:, None], 0.0).sum(axis=0).argmax())
    while _loads(board, slot)[known].std() > EVEN and (best := _most_even(board, slot)) is not None:
        board.move(*best)


def _loads(board: Board, slot: int) -> Floats:
    """How busy hosts are in *slot*; 0 where nobody counts it."""
    busy: Floats = np.divide(board.used[:, slot], board.cpus, out=np.zeros(len(board.cpus)), where=board.cpus > 0)
    return busy


def _most_even(board: Board, slot: int) -> tuple[int, int] | None:
    now = _loads(board, slot)
    found = min((_evenness(board, slot, unit, now) for unit in range(board.units)), default=None)
    return found[1:] if found and found[0] < now[board.cpus > 0].std() - LEAST_GAIN else None


def _evenness(board: Board, slot: int, unit: int, now: Floats) -> tuple[float, int, int]:
    """The spread after the best move of one unit, the unit, the host."""
    known, source, load = board.cpus > 0, int(board.at[unit]), float(board.load[unit, slot])
    cpus = np.where(known, board.cpus, np.inf)
    left, there, counted = now[source] - load / cpus[source], now + load / cpus, max(1, int(known.sum()))
    total = now.sum() - now[source] + left + (there - now)
    squares = (now**2).sum() - now[source] ** 2 + left**2 + (there**2 - now**2)
    spread = np.sqrt(np.maximum(squares / counted - (total / counted) ** 2, 0.0))
    after = np.where(board.open_hosts(unit) & known & known[source], spread, np.inf)
    host = int(after.argmin())
    return float(after[host]), unit, host
