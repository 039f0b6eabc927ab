"""A hill climb as VMware's Distributed Resource Scheduler does it, on the one moment with most overload.

The imbalance is the standard deviation of the hosts' loads; again and again the single move that lowers it most is
made, until it is below what the level asks for, or no move lowers it by enough (Gulati et al., VMware Distributed
Resource Management: Design, Implementation, and Lessons Learned, 2012).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.migrations import Migration
from benchmarks.neutral import AREA_ABOVE, Json
from benchmarks.peers.board import Board

TARGETS = {1: 1.0, 2: 0.2, 3: 0.1, 4: 0.07, 5: 0.05}
"""By level, the imbalance that is good enough."""
LEAST_GAIN = 0.0001

Floats = NDArray[np.float64]


def hill_climb(instance: Json, level: int = 5) -> list[Migration]:
    """The moves that the method makes at one of the levels 1 (calm) to 5 (eager), in order."""
    board = Board(instance)
    board.repair()
    slot = int(np.maximum(board.used / board.cpus[:, None] - AREA_ABOVE, 0.0).sum(axis=0).argmax())
    while _loads(board, slot).std() > TARGETS[level] and (best := _best(board, slot)) is not None:
        board.move(*best)
    return board.moves


def _loads(board: Board, slot: int) -> Floats:
    """How busy the hosts are in *slot*."""
    return np.asarray(board.used[:, slot] / board.cpus)


def _best(board: Board, slot: int) -> tuple[int, int] | None:
    """VM and host of the move that lowers the imbalance most; None where none lowers it by LEAST_GAIN."""
    now = _loads(board, slot)
    found = min(_way(board, slot, vm, now) for vm in range(len(board.vms)))
    return found[1:] if found[0] < now.std() - LEAST_GAIN else None


def _way(board: Board, slot: int, vm: int, now: Floats) -> tuple[float, int, int]:
    """The imbalance after the best move of one VM, the VM, the host."""
    source, load = board.at[vm], board.load[vm, slot]
    left = now[source] - load / board.cpus[source]
    there = now + load / board.cpus
    total = now.sum() - now[source] + left + (there - now)
    squares = (now**2).sum() - now[source] ** 2 + left**2 + (there**2 - now**2)
    spread = np.sqrt(np.maximum(squares / len(now) - (total / len(now)) ** 2, 0.0))
    after = np.where(board.open_hosts(vm), spread, np.inf)
    host = int(after.argmin())
    return float(after[host]), vm, host
