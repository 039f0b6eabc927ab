"""Depth-first search for an order in which all moves are legal, with backtracking and a budget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rebalancer.inventory import Uuid
from rebalancer.order.state import State
from rebalancer.placement import Migration


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadEnd:
    """A state from which no move is legal: which VMs still wait, and the rules that hold them."""

    waiting: tuple[Uuid, ...]
    rules: tuple[str, ...]


class Search:
    """Looks for an order of the moves to *goal* with at most *hops* hops.

    Args:
        state: the pool before the first move; it is left as it was found.
        goal: the last host of every VM that moves or may be parked.
        rank: the VMs of *goal* in the order in which they are tried.
        parking: the VMs that may be parked, in the order in which that is tried.
        hops: how many steps may lead to a host that is not the VM's last.
        budget: how much effort the search may cost.
    """

    def __init__(
        self,
        state: State,
        goal: Mapping[Uuid, Uuid],
        *,
        rank: Sequence[Uuid],
        parking: Sequence[Uuid] = (),
        hops: int = 0,
        budget: int,
    ) -> None:
        self._state, self._goal, self._rank, self._parking = state, goal, rank, parking
        self._hops, self._most_effort = hops, state.effort + budget
        self._path: list[Migration] = []
        self._dead: dict[tuple[Uuid, ...], int] = {}
        self._fewest_waiting = len(rank) + 1
        self.exhausted = False
        self.stuck: DeadEnd | None = None
        self.furthest: tuple[Migration, ...] = ()

    def run(self) -> tuple[Migration, ...] | None:
        """An order, or None; then `exhausted` tells whether there is surely none, `stuck` what held it.

        `furthest` is the way to the state in which fewest VMs waited.
        """
        branches = [self._options()]
        while self._waiting() and branches and self._state.effort < self._most_effort:
            move = next(branches[-1], None)
            if move is None:
                branches.pop()
                self._retreat()
            elif self._enter(move):
                branches.append(self._options())
        found = None if self._waiting() else tuple(self._path)
        self.exhausted = not branches
        while self._path:
            self._undo()
        return found

    def _waiting(self) -> list[Uuid]:
        return [vm for vm in self._rank if self._state.host_of[vm] != self._goal[vm]]

    def _options(self) -> Iterator[Migration]:
        waiting = self._waiting()
        if len(waiting) < self._fewest_waiting:
            self._fewest_waiting, self.furthest = len(waiting), tuple(self._path)
        legal = 0
        for vm in waiting:
            if self._state.allows(vm, self._goal[vm]):
                legal += 1
                yield self._move(vm, self._goal[vm])
                if not self._hops and self._harmless(self._goal[vm], waiting):
                    return
        if not legal:
            self._remember(waiting)
        if self._hops > sum(move.hop for move in self._path):
            yield from self._hop_options()

    def _hop_options(self) -> Iterator[Migration]:
        """Places where a VM that has not left its first host could be parked, VMs that are to stay there included."""
        initial, wanted = self._state.problem.initial, {self._goal[vm] for vm in self._waiting()}
        quiet_first = sorted(self._state.problem.pool.hosts, key=lambda host: host in wanted)
        for vm in self._parking:
            here = self._state.host_of[vm]
            if here != initial[vm]:
                continue
            for host in quiet_first:
                if host not in {here, self._goal[vm]} and self._state.allows(vm, host):
                    yield self._move(vm, host)

    def _harmless(self, target: Uuid, waiting: Sequence[Uuid]) -> bool:
        """Whether all that still waits for *target* fits at once, so that going there first takes nobody's place."""
        rivals = [vm for vm in waiting if self._goal[vm] == target and self._state.host_of[vm] != target]
        return self._state.fit_together(rivals, target)

    def _move(self, vm: Uuid, target: Uuid) -> Migration:
        disks = self._state.disks(vm, target)
        return Migration(
            vm=vm, source=self._state.host_of[vm], target=target, hop=target != self._goal[vm], disks=disks
        )

    def _enter(self, move: Migration) -> bool:
        """Carry *move* out, unless it leads to a state that was left without success before."""
        self._state.move(move)
        self._path.append(move)
        left = self._hops - sum(each.hop for each in self._path)
        if self._dead.get(self._key(), -1) < left:
            return True
        self._undo()
        return False

    def _retreat(self) -> None:
        left = self._hops - sum(each.hop for each in self._path)
        self._dead[self._key()] = max(left, self._dead.get(self._key(), -1))
        if self._path:
            self._undo()

    def _undo(self) -> None:
        move = self._path.pop()
        self._state.move(move.back)

    def _key(self) -> tuple[Uuid, ...]:
        return tuple(self._state.host_of[vm] for vm in self._rank)

    def _remember(self, waiting: Sequence[Uuid]) -> None:
        if self.stuck is None or len(waiting) < len(self.stuck.waiting):
            rules = [rule for vm in waiting for rule in self._state.blockers(vm, self._goal[vm])]
            self.stuck = DeadEnd(waiting=tuple(sorted(waiting)), rules=tuple(dict.fromkeys(rules)))
