"""The last resort for an order: walk at random, and let whoever is in the way step aside.

Where hosts are nearly full and nearly everything moves, a systematic search drowns in states. A walk does all moves
that are legal, and when none is, takes a small VM off a host that somebody waits for. VMs that are to stay may step
aside, too, and any VM may more than once. What a walk did in vain is taken out again.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from rebalancer.inventory import Uuid
from rebalancer.plan.search import Leg
from rebalancer.plan.state import State

LENGTH = 4
"""How many legs a walk may take for each VM that is to move, before another one is begun."""
BOLD = 0.15
"""How often a walk does something else than what looks best."""


class Wanderer:
    """Walks from *state* to *goal*, the last host of every VM that may be moved; *state* is left as it was found."""

    def __init__(self, state: State, goal: Mapping[Uuid, Uuid], *, seed: int, budget: int) -> None:
        self._state, self._goal, self._most_effort = state, goal, state.effort + budget
        self._random = random.Random(seed)
        self._vms = sorted(goal)
        self._sizes = {vm: state.problem.pool.vms[vm].migration_memory_bytes for vm in goal}
        self._path: list[Leg] = []

    def walk(self) -> tuple[Leg, ...] | None:
        """An order, shortened; None where the budget was spent in vain."""
        longest = LENGTH * len(self._waiting())
        while self._state.effort < self._most_effort:
            arrived = self._once(longest)
            legs = tuple(self._path)
            self._return()
            if arrived:
                return self._shortened(legs)
        return None

    def _once(self, longest: int) -> bool:
        """One walk; whether it arrived."""
        while self._waiting():
            tired = len(self._path) >= longest or self._state.effort >= self._most_effort
            if tired or not (self._advance() or self._make_room()):
                return False
        return True

    def _waiting(self) -> list[Uuid]:
        """VMs that are not where they are to end."""
        return [vm for vm in self._vms if self._state.host_of[vm] != self._goal[vm]]

    def _advance(self) -> bool:
        """Take one move to a last host, if any is legal."""
        waiting = self._waiting()
        self._random.shuffle(waiting)
        for vm in waiting:
            if self._state.allows(vm, self._goal[vm]):
                self._go(vm, self._goal[vm])
                return True
        return False

    def _make_room(self) -> bool:
        """Take a VM off a host that somebody waits for."""
        waiting = self._waiting()
        wanted = {self._goal[vm] for vm in waiting}
        smallest_waiting = {host: min(self._sizes[vm] for vm in waiting if self._goal[vm] == host) for host in wanted}
        last = self._path[-1].vm if self._path else None
        ways = [
            (self._awkwardness(vm, host, smallest_waiting), self._random.random(), vm, host)
            for vm in self._vms
            if vm != last and self._state.host_of[vm] in wanted
            for host in self._state.problem.pool.hosts
            if host not in {self._state.host_of[vm], self._goal[vm]} and self._state.allows(vm, host)
        ]
        if not ways:
            return False
        best = self._random.choice(ways) if self._random.random() < BOLD else min(ways)
        self._go(best[2], best[3])
        return True

    def _awkwardness(self, vm: Uuid, host: Uuid, smallest_waiting: Mapping[Uuid, int]) -> tuple[bool, bool, int]:
        """Best is a VM that still has to go, to a host that nobody waits for; then a small one."""
        at_home = self._state.host_of[vm] == self._goal[vm]
        return (host in smallest_waiting, at_home, self._sizes[vm])

    def _go(self, vm: Uuid, host: Uuid) -> None:
        """Carry out a leg."""
        disks = self._state.disks(vm, host)
        leg = Leg(vm=vm, source=self._state.host_of[vm], target=host, hop=host != self._goal[vm], disks=disks)
        self._state.move(leg.move)
        self._path.append(leg)

    def _return(self) -> None:
        """Take everything back."""
        while self._path:
            leg = self._path.pop()
            self._state.move(leg.move.back)

    def _shortened(self, legs: tuple[Leg, ...]) -> tuple[Leg, ...]:
        """*legs* without those that can be left out, until none can."""
        before = len(legs) + 1
        while len(legs) < before:
            before, position = len(legs), 0
            while position < len(legs):
                shorter = _without(legs, position)
                legs, position = (shorter, position) if shorter and self._legal(shorter) else (legs, position + 1)
        return legs

    def _legal(self, legs: Sequence[Leg]) -> bool:
        """Whether *legs* can be walked from the start."""
        try:
            for leg in legs:
                if not self._state.allows(leg.vm, leg.target):
                    return False
                self._go(leg.vm, leg.target)
            return True
        finally:
            self._return()


def _without(legs: Sequence[Leg], position: int) -> tuple[Leg, ...] | None:
    """*legs* with one left out, its VM going on from where it was; None where it is the last of its VM.

    Where the VM would then go from a host to itself, that leg is left out, too.
    """
    gone = legs[position]
    following = next((later for later in range(position + 1, len(legs)) if legs[later].vm == gone.vm), None)
    if following is None:
        return None
    bridged = replace(legs[following], source=gone.source)
    kept = [*legs[:position], *legs[position + 1 : following]]
    if bridged.source != bridged.target:
        kept.append(bridged)
    return (*kept, *legs[following + 1 :])
