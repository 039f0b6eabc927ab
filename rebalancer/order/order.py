"""The order of the moves: simulated execution, several priorities, hops only where every order deadlocks.

Memory is held on both hosts while a VM moves, and so is everything else that a rule holds at every step. A cycle of
moves that wait for each other is not yet a deadlock, because another order may never run into it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from rebalancer.inventory import Uuid
from rebalancer.order.beam import Beam
from rebalancer.order.depth_first import DeadEnd, Search
from rebalancer.order.prune import shortened
from rebalancer.order.state import State
from rebalancer.order.unreachable import never_arrives
from rebalancer.placement import Migration, Placement
from rebalancer.rules import Rulebook

SHUFFLES = 6
SEARCH_EFFORT = 20_000
"""How many questions a search may ask of the rules before the next priority is tried."""
LEAST_QUESTIONS = 4
"""How many it may ask for each VM, however dear they are."""
TOTAL_EFFORT = 250_000
"""How many questions all searches may ask together."""
BYSTANDERS = 12
"""How many VMs that are to stay may be asked to step aside."""
CORE_EFFORT = 4_000
CORE_MOVES = 24
"""Up to how many moves a deadlock is cut down to the moves that cause it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Migrations in an order in which each is legal."""

    migrations: tuple[Migration, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlock:
    """No order was found: the moves that wait for each other, and the rules that hold them.

    `proved` tells that there is none in which every VM that moves is parked at most once; else the search gave up.
    `ways` are legal beginnings: the way that came furthest without a hop, and with hops.
    """

    moves: tuple[Migration, ...]
    rules: tuple[str, ...]
    proved: bool
    ways: tuple[tuple[Migration, ...], ...] = ()


def find_order(book: Rulebook, goal: Placement, *, seed: int, first: Sequence[Uuid] = ()) -> Order | Deadlock:
    """An order of the moves from where the VMs are to *goal*, with as few hops as could be found.

    Args:
        book: the rules, where the VMs are now.
        goal: where they are to end.
        seed: of the shuffled priorities.
        first: VMs that are tried first, most urgent first; the others follow from small to large.
    """
    moves = book.problem.initial.moves_to(goal)
    return _Ordering(State(book, moves), moves, seed=seed, first=first).find()


class _Ordering:
    """One attempt to order some moves."""

    def __init__(
        self,
        state: State,
        moves: Sequence[Migration],
        *,
        seed: int,
        first: Sequence[Uuid],
        bystanders: Sequence[Uuid] = (),
    ) -> None:
        self._state, self._moves, self._first, self._seed = state, moves, first, seed
        self._goal = {move.vm: move.target for move in moves} | {vm: state.host_of[vm] for vm in bystanders}
        self._random = random.Random(seed)
        self._furthest: DeadEnd | None = None
        self._ways: dict[bool, tuple[Migration, ...]] = {}
        self._most_effort = state.effort + max(TOTAL_EFFORT, 2 * LEAST_QUESTIONS * len(moves) * state.price)
        self._by_size = sorted(self._goal, key=self._size)

    def find(self) -> Order | Deadlock:
        direct, _ = self._try_ranks(self._ranks(), hops=0)
        if direct is not None:
            return Order(migrations=direct)
        hopeless = never_arrives(self._state.book, self._moves)
        if hopeless:
            move, rule = hopeless
            return Deadlock(moves=(move,), rules=(rule,), proved=True, ways=self._found_ways())
        migrations, proved = self._with_hops(len(self._moves))
        migrations = migrations or self._with_bystanders() or self._among_all()
        return Order(migrations=migrations) if migrations is not None else self._deadlock(proved=proved)

    def _among_all(self) -> tuple[Migration, ...] | None:
        """An order in which any VM may step aside, any number of times."""
        everybody = dict(self._state.problem.initial.host_of) | self._goal
        migrations = Beam(self._state, everybody, seed=self._seed).search()
        return shortened(migrations, self._state) if migrations is not None else None

    def _with_hops(self, most: int) -> tuple[tuple[Migration, ...] | None, bool]:
        """An order with hops; and whether it is proved that there is none with *most* of them."""
        proved = False
        for hops in _doubling(most):
            migrations, proved = self._try_ranks(self._hop_ranks(), hops=hops)
            if migrations is not None:
                return self._with_fewer_hops(migrations, hops), False
        return None, proved

    def _with_bystanders(self) -> tuple[Migration, ...] | None:
        """An order in which VMs that are to stay make room for a while; the smallest on the hosts in question."""
        problem, furthest = self._state.problem, self._furthest
        crowded = {self._goal[vm] for vm in (furthest.waiting if furthest else self._goal)}
        staying = [vm for vm, host in problem.initial.host_of.items() if vm not in self._goal and host in crowded]
        nearby = sorted(staying, key=self._size)[:BYSTANDERS]
        attempt = _Ordering(self._state, self._moves, seed=self._seed, first=self._first, bystanders=nearby)
        return attempt._with_hops(len(nearby))[0]

    def _size(self, vm: Uuid) -> tuple[int, Uuid]:
        return self._state.problem.pool.vms[vm].migration_memory_bytes, vm

    def _try_ranks(self, ranks: Iterable[Sequence[Uuid]], *, hops: int) -> tuple[tuple[Migration, ...] | None, bool]:
        """The first order that one of *ranks* leads to; and whether it is proved that there is none."""
        for rank in ranks:
            migrations, exhausted = self._search(rank, hops)
            if migrations is not None or exhausted:
                return migrations, exhausted
        return None, False

    def _search(self, rank: Sequence[Uuid], hops: int) -> tuple[tuple[Migration, ...] | None, bool]:
        least = LEAST_QUESTIONS * len(self._goal) * self._state.price
        budget = min(max(SEARCH_EFFORT, least), self._most_effort - self._state.effort)
        search = Search(self._state, self._goal, rank=rank, parking=self._by_size, hops=hops, budget=budget)
        migrations = search.run()
        if search.stuck and (self._furthest is None or len(search.stuck.waiting) < len(self._furthest.waiting)):
            self._furthest = search.stuck
        hopped = any(move.hop for move in search.furthest)
        self._ways[hopped] = max(
            self._ways.get(hopped, ()), search.furthest, key=lambda way: sum(not move.hop for move in way)
        )
        return migrations, search.exhausted and migrations is None

    def _ranks(self) -> Iterator[Sequence[Uuid]]:
        urgent = [vm for vm in self._first if vm in self._goal]
        yield urgent + [vm for vm in self._by_size if vm not in set(urgent)]
        yield self._by_size
        yield self._by_size[::-1]
        for _ in range(SHUFFLES):
            yield self._random.sample(self._by_size, len(self._by_size))

    def _hop_ranks(self) -> Iterator[Sequence[Uuid]]:
        """Fewer of them are shuffled: hops leave more freedom than priorities."""
        yield self._by_size
        yield self._by_size[::-1]
        yield self._random.sample(self._by_size, len(self._by_size))

    def _with_fewer_hops(self, migrations: tuple[Migration, ...], hops: int) -> tuple[Migration, ...]:
        """The order with the fewest hops between half of *hops* and what *migrations* has."""
        for fewer in range(hops // 2 + 1, sum(move.hop for move in migrations)):
            found, _ = self._try_ranks(self._hop_ranks(), hops=fewer)
            if found is not None:
                return found
        return migrations

    def _deadlock(self, *, proved: bool) -> Deadlock:
        """The moves to blame: of those that still wait where a search came furthest, only what is needed."""
        waiting = self._furthest.waiting if self._furthest else tuple(self._goal)
        blamed = [move for move in self._moves if move.vm in set(waiting)]
        if not self._deadlocked(blamed):
            blamed = list(self._moves)
        if len(blamed) <= CORE_MOVES:
            blamed = _smallest(blamed, self._deadlocked)
        rules = self._furthest.rules if self._furthest else ()
        return Deadlock(moves=tuple(blamed), rules=rules, proved=proved, ways=self._found_ways())

    def _found_ways(self) -> tuple[tuple[Migration, ...], ...]:
        return tuple(way for _, way in sorted(self._ways.items()) if way)

    def _deadlocked(self, moves: Sequence[Migration]) -> bool:
        """Whether *moves* alone lead to a placement that fits, and a quick search finds no order, hops included.

        Without the former, moves would be blamed that only miss a companion which makes room for them.
        """
        problem, goal = self._state.problem, {move.vm: move.target for move in moves}
        end = problem.initial.after(*moves)
        if self._state.book.violations(end, since=problem.initial, lasting=True):
            return False
        rank = [vm for vm in self._by_size if vm in goal]
        search = Search(self._state, goal, rank=rank, parking=rank, hops=len(rank), budget=CORE_EFFORT)
        return search.run() is None


def _doubling(limit: int) -> Iterator[int]:
    """1, 2, 4 ... and *limit* itself."""
    hops = 1
    while hops < limit:
        yield hops
        hops *= 2
    if limit:
        yield limit


def _smallest(moves: Sequence[Migration], blocked: Callable[[Sequence[Migration]], bool]) -> list[Migration]:
    """What is left of *moves* once none can be taken out without unblocking the others."""
    core = list(moves)
    for move in moves:
        without = [each for each in core if each != move]
        if without and blocked(without):
            core = without
    return core
