"""The search for an order where hosts are nearly full and nearly everything moves: breadth first, the best states kept.

What hosts hold is summed in whole numbers here, without asking the rules: single-host rows that hold at every step, and
which hosts a VM may be on at all. VMs of equal weights and equal goal are interchangeable, so that states which differ
only in these count once. Whatever is found is walked through with the rules before it is believed.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import nsmallest
from operator import ne
from typing import NamedTuple

from rebalancer.inventory import Uuid
from rebalancer.order.prune import is_legal
from rebalancer.order.state import State
from rebalancer.placement import Migration

WIDTHS = (60, 400)
"""How many states of each depth are kept; the wider search follows where the narrower one fails."""
MOST_STATES = 250_000
"""How many states one search may look at."""
DEPTH = 5
"""How many migrations an order may have for each VM that moves."""
KEY_BITS = 128
FINE = 1_000_000
LARGE_WAITS = 1.5
"""What it counts that the largest VM which waits has no host with room for it, against that VM being misplaced."""


class _Node(NamedTuple):
    """A state: what is misplaced, its key, the host of each VM, room by kind of limit and host."""

    misplaced: int
    key: int
    at: tuple[int, ...]
    room: tuple[tuple[int, ...], ...]


class _Step(NamedTuple):
    """A way from a kept state to another, cheapest first."""

    score: float
    key: int
    parent: int
    vm: int
    host: int
    misplaced: int


class Beam:
    """Looks for an order that leads from *state* to *goal*, the last host of every guest; *state* stays as it is."""

    def __init__(self, state: State, goal: Mapping[Uuid, Uuid], *, seed: int) -> None:
        problem = state.problem
        self._state, self._random = state, random.Random(seed)
        self._hosts, self._vms = list(problem.pool.hosts), sorted(goal)
        number = {host: index for index, host in enumerate(self._hosts)}
        self._goal = [number[goal[vm]] for vm in self._vms]
        self._start = [number[state.host_of[vm]] for vm in self._vms]
        self._kinds = state.book.capacity(self._vms)
        self._size = self._sizes()
        self._targets = [[number[host] for host in self._hosts if host in state.reach(vm)] for vm in self._vms]
        self._value = self._keys()

    def search(self) -> tuple[Migration, ...] | None:
        """An order in which every migration is legal, or None."""
        for width in WIDTHS:
            migrations = self._search(width)
            if migrations is not None and is_legal(migrations, self._state):
                return migrations
        return None

    def _sizes(self) -> list[int]:
        """What it counts that a VM is misplaced: the square of its memory, the largest being `FINE`; at least 1."""
        vms = self._state.problem.pool.vms
        sizes = [vms[vm].migration_memory_bytes for vm in self._vms]
        largest = max(sizes, default=1)
        return [1 + FINE * size**2 // largest**2 for size in sizes]

    def _keys(self) -> list[list[int]]:
        """A number for each VM on each host, equal for VMs that are interchangeable; their sum is a state's key."""
        values: dict[object, list[int]] = {}
        found = []
        for vm in range(len(self._vms)):
            weights = tuple((kind.resident[vm], kind.arrival[vm]) for kind in self._kinds)
            alone = vm if self._state.carries(self._vms[vm]) else None
            alike = (weights, self._goal[vm], tuple(self._targets[vm]), self._size[vm], alone)
            if alike not in values:
                values[alike] = [self._random.getrandbits(KEY_BITS) for _ in self._hosts]
            found.append(values[alike])
        return found

    def _search(self, width: int) -> tuple[Migration, ...] | None:
        front = [self._first()]
        seen = {front[0].key}
        parents: list[list[_Step]] = []
        for _ in range(DEPTH * sum(map(ne, self._start, self._goal))):
            steps = self._fresh(front, seen)
            if not steps or len(seen) > MOST_STATES:
                return None
            kept = nsmallest(width, steps)
            parents.append(kept)
            front = [self._after(front[step.parent], step) for step in kept]
            if front[0].misplaced == 0:
                return self._path(parents)
        return None

    def _first(self) -> _Node:
        room = tuple(kind.room(self._start) for kind in self._kinds)
        misplaced = sum(size for size, at, to in zip(self._size, self._start, self._goal, strict=True) if at != to)
        key = sum(self._value[vm][host] for vm, host in enumerate(self._start))
        return _Node(misplaced=misplaced, key=key, at=tuple(self._start), room=room)

    def _fresh(self, front: Sequence[_Node], seen: set[int]) -> list[_Step]:
        """All ways from *front* to states that nobody has seen; they are seen now."""
        found = []
        for parent, node in enumerate(front):
            for vm, host in self._fitting(node):
                key = node.key - self._value[vm][node.at[vm]] + self._value[vm][host]
                if key not in seen:
                    seen.add(key)
                    found.append(self._step(node, parent, vm, host, key))
        return found

    def _fitting(self, node: _Node) -> Iterator[tuple[int, int]]:
        """The moves that every limit has room for; of VMs that are interchangeable on one host, any."""
        tried: set[tuple[int, int]] = set()
        for vm, here in enumerate(node.at):
            mark = (id(self._value[vm]), here)
            if mark in tried:
                continue
            tried.add(mark)
            for host in self._targets[vm]:
                if host != here and all(
                    not kind.arrival[vm] or kind.arrival[vm] <= room[host]
                    for kind, room in zip(self._kinds, node.room, strict=True)
                ):
                    yield vm, host

    def _step(self, node: _Node, parent: int, vm: int, host: int, key: int) -> _Step:
        here, goal, size = node.at[vm], self._goal[vm], self._size[vm]
        misplaced = node.misplaced + (size if here == goal else 0) - (size if host == goal else 0)
        score = misplaced + self._cramped(node, vm, host) + self._random.random() * FINE / 10
        return _Step(score=score, key=key, parent=parent, vm=vm, host=host, misplaced=misplaced)

    def _cramped(self, node: _Node, moved: int, to: int) -> float:
        """How far the host with the most room is from taking the largest VM that waits, once *moved* is on *to*."""
        waiting = [vm for vm, at in enumerate(node.at) if (to if vm == moved else at) != self._goal[vm]]
        largest = max(waiting, key=self._size.__getitem__, default=None)
        if largest is None:
            return 0.0
        lack = 0.0
        for kind, room in zip(self._kinds, node.room, strict=True):
            wanted, weight, here = kind.arrival[largest], kind.resident[moved], node.at[moved]
            most = max(
                each + (weight if host == here else 0) - (weight if host == to else 0) for host, each in enumerate(room)
            )
            lack = max(lack, (wanted - most) / wanted if wanted else 0.0)
        return LARGE_WAITS * lack * self._size[largest]

    def _after(self, node: _Node, step: _Step) -> _Node:
        here = node.at[step.vm]
        room = []
        for kind, each in zip(self._kinds, node.room, strict=True):
            changed = list(each)
            changed[here] += kind.resident[step.vm]
            changed[step.host] -= kind.resident[step.vm]
            room.append(tuple(changed))
        at = (*node.at[: step.vm], step.host, *node.at[step.vm + 1 :])
        return _Node(misplaced=step.misplaced, key=step.key, at=at, room=tuple(room))

    def _path(self, parents: Sequence[Sequence[_Step]]) -> tuple[Migration, ...]:
        steps = []
        index = 0
        for depth in reversed(parents):
            steps.append(depth[index])
            index = depth[index].parent
        return tuple(self._migrations(reversed(steps)))

    def _migrations(self, steps: Iterable[_Step]) -> Iterator[Migration]:
        """*steps* with names, and with the disks that go along the first time that a VM goes where it takes them."""
        at, carried = list(self._start), set()
        for step in steps:
            vm, target = self._vms[step.vm], self._hosts[step.host]
            disks = () if vm in carried else self._state.disks(vm, target)
            if disks:
                carried.add(vm)
            source, hop = self._hosts[at[step.vm]], step.host != self._goal[step.vm]
            yield Migration(vm=vm, source=source, target=target, hop=hop, disks=disks)
            at[step.vm] = step.host
