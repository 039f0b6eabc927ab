"""Whether any order of moves leads from one placement to another, by exhausting all states, with memory alone.

VMs of one size are taken for each other: a state says how many of each size a host has. If the last state is not among
those that can be reached, there is no order, whatever is parked wherever however often. Every step can be taken back,
because it leaves room where it came from; so the search goes on from whichever end has found fewer states.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from enum import Enum

from benchmarks.neutral import Json

State = tuple[tuple[int, ...], ...]
"""By host, how many VMs there are of each size, small sizes first."""


class Answer(Enum):
    """What the search found out."""

    CONNECTED = "sizes can be brought there"
    IMPOSSIBLE = "no order exists"
    UNDECIDED = "more states than allowed"


class Exhaustion:
    """Searches from where the VMs of *instance* are, and from *goal*, through at most *most* states."""

    def __init__(self, instance: Json, goal: Mapping[str, str], most: int) -> None:
        hosts, vms = [host["id"] for host in instance["hosts"]], instance["vms"]
        self._rooms = [host["memory_bytes"] - host["memory_reserved_bytes"] for host in instance["hosts"]]
        self._sizes = sorted({vm["memory_bytes"] for vm in vms})
        self._most = most
        ends = ({vm["id"]: vm["host"] for vm in vms}, goal)
        self._ends = tuple(
            tuple(
                tuple(sum(at[vm["id"]] == host and vm["memory_bytes"] == size for vm in vms) for size in self._sizes)
                for host in hosts
            )
            for at in ends
        )

    def run(self) -> Answer:
        """Exhaust the smaller side, or meet in between."""
        seen: list[set[State]] = [{end} for end in self._ends]
        todo = [deque([end]) for end in self._ends]
        while not seen[0] & seen[1]:
            if not (todo[0] and todo[1]):
                return Answer.IMPOSSIBLE
            if len(seen[0]) + len(seen[1]) > self._most:
                return Answer.UNDECIDED
            side = int(len(seen[1]) < len(seen[0]))
            self._layer(seen[side], todo[side])
        return Answer.CONNECTED

    def _layer(self, seen: set[State], todo: deque[State]) -> None:
        """All states one step further than those of *todo*."""
        for _ in range(len(todo)):
            for state in self._steps(todo.popleft()):
                if state not in seen:
                    seen.add(state)
                    todo.append(state)

    def _steps(self, state: State) -> Iterator[State]:
        """The states that one legal move leads to."""
        free = [
            room - sum(count * size for count, size in zip(counts, self._sizes, strict=True))
            for room, counts in zip(self._rooms, state, strict=True)
        ]
        for kind, size in enumerate(self._sizes):
            targets = [host for host, left in enumerate(free) if left >= size]
            for source, counts in enumerate(state):
                if counts[kind]:
                    yield from (_moved(state, kind, source, target) for target in targets if target != source)


def _moved(state: State, kind: int, source: int, target: int) -> State:
    """The state after a VM of a size went from *source* to *target*."""
    change = {source: -1, target: 1}
    return tuple(
        (*counts[:kind], counts[kind] + change[host], *counts[kind + 1 :]) if host in change else counts
        for host, counts in enumerate(state)
    )
