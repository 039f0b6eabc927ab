"""The time-aware greedy floor: of all single moves that fit, always the one that relieves most area for its memory.

A move is worth the area that it relieves divided by the square root of its GiB: by GiB alone, many small moves would be
made where one larger is enough.
"""

from __future__ import annotations

import numpy as np

from benchmarks.migrations import Migration
from benchmarks.neutral import Json
from benchmarks.peers.board import Board

NEGLIGIBLE = 1e-9


def greedy(instance: Json) -> list[Migration]:
    """The moves that the method makes, in order."""
    board = Board(instance)
    board.repair()
    while (best := _best(board)) is not None:
        board.move(*best)
    return board.moves


def _best(board: Board) -> tuple[int, int] | None:
    """VM and host of the move that is worth most; None where none relieves anything."""
    hot = board.area(board.used) > NEGLIGIBLE
    ways = [_way(board, int(vm)) for vm in np.flatnonzero(hot[board.at])]
    found = max(ways, default=(0.0, 0, 0))
    return found[1:] if found[0] > NEGLIGIBLE else None


def _way(board: Board, vm: int) -> tuple[float, int, int]:
    """The best move of one VM: what it is worth, VM, host."""
    relieved = board.relieved(vm)
    if relieved <= NEGLIGIBLE:
        return 0.0, vm, 0
    gain = np.where(board.open_hosts(vm), relieved - board.added(vm), 0.0) / np.sqrt(board.gib[vm])
    host = int(gain.argmax())
    return float(gain[host]), vm, host
