"""The largest legal prefix: what can be carried out of an order that does not reach its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rebalancer.describe.left_out import INCOMPLETE, missing_moves
from rebalancer.describe.worth import is_worth_it, over_limits, rank, tiers_at
from rebalancer.order.state import State
from rebalancer.placement import Migration, Placement
from rebalancer.rules import Rulebook
from rebalancer.rules.facts.sizes import DiskSizes
from rebalancer.solve import Solution

EFFORT = 20_000
"""How many questions may be asked of the rules about ways without the VMs that were only parked on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix:
    """Migrations in a legal order, and the solution that they reach; the smaller its `rank`, the better the prefix."""

    migrations: tuple[Migration, ...]
    solution: Solution
    rank: tuple[float, ...]


def best_prefix(ways: Sequence[Sequence[Migration]], wanted: Solution, book: Rulebook) -> Prefix | None:
    """The best prefix of any of *ways* that is legal as an end and worth something; the longest of those alike.

    VMs that were only parked on the way stay at home. Ends that leave a group half-way, or exceed a limit of the
    policy, are no ends.

    Args:
        ways: migrations that are legal one after another.
        wanted: what they were to lead to.
        book: the rules, before the first move.
    """
    search = _Prefixes(wanted, book)
    found = [prefix for way in ways for prefix in search.of(way)]
    return min(found, key=lambda each: (each.rank, -len(each.migrations)), default=None)


class _Prefixes:
    """The prefixes of ways to one placement."""

    def __init__(self, wanted: Solution, book: Rulebook) -> None:
        self._wanted, self._book, self._problem = wanted, book, book.problem
        self._effort = 0

    def of(self, way: Sequence[Migration]) -> Iterator[Prefix]:
        tried: set[tuple[Migration, ...]] = set()
        for length in range(len(way), 0, -1):
            migrations = self._arriving(way[:length])
            fresh = migrations not in tried and (len(migrations) == length or self._legal(migrations))
            if fresh and self._may_end(migrations):
                yield from self._worthwhile(migrations)
            tried.add(migrations)

    def _arriving(self, migrations: Sequence[Migration]) -> tuple[Migration, ...]:
        """*migrations* without those of VMs that do not come to where they are wanted."""
        last = {move.vm: move.target for move in migrations}
        return tuple(move for move in migrations if last[move.vm] == self._wanted.placement[move.vm])

    def _legal(self, migrations: Sequence[Migration]) -> bool:
        state = State(self._book, migrations)
        for move in migrations:
            if self._effort + state.effort > EFFORT or not state.allows(move.vm, move.target):
                break
            state.move(move)
        self._effort += state.effort
        return all(state.host_of[move.vm] == self._wanted.placement[move.vm] for move in migrations)

    def _may_end(self, migrations: Sequence[Migration]) -> bool:
        sizes = [DiskSizes(self._problem).copied_by(move) for move in migrations]
        limits, moves = self._problem.policy.limits, len({move.vm for move in migrations})
        if not migrations or over_limits(limits, moves=moves, sizes_bytes=sizes):
            return False
        return not self._book.violations(self._problem.initial.after(*migrations), since=self._problem.initial)

    def _worthwhile(self, migrations: tuple[Migration, ...]) -> Iterator[Prefix]:
        end = self._problem.initial.after(*migrations)
        tiers = tiers_at(end, self._wanted.tiers, self._book)
        if is_worth_it(end, tiers, self._problem):
            part = replace(self._wanted, placement=end, tiers=tiers, outcome=INCOMPLETE)
            yield Prefix(migrations=migrations, solution=part, rank=rank(end, tiers, self._problem))


def incomplete(prefix: Prefix, wanted: Placement, book: Rulebook) -> Solution:
    """The part of a solution that *prefix* reaches, with the moves to *wanted* that it does without, and why."""
    end = prefix.solution.placement
    missing = missing_moves(end.moves_to(wanted), end, book)
    made = len(book.problem.initial.moves_to(end))
    blame = ", ".join(sorted({each.rule for each in missing}))
    reason = (
        f"{made} of the {made + len(missing)} moves that were found: no order in which all of them are legal was "
        f"found; what is missing waits for {blame}"
    )
    return replace(prefix.solution, reason=reason, missing=missing)
