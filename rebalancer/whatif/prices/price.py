"""What something costs: the placement that is found with it beside the one that is found without."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from rebalancer.objectives import FailuresLost, MigrationCost, Objective, Overload, Repair, gaining
from rebalancer.placement import Placement
from rebalancer.rules import PoolRule, Rulebook
from rebalancer.solve import Budget, Deadline, Solution, solve
from rebalancer.tier import TierResult
from rebalancer.whatif.prices.waiver import Waiver, WaiverKind, problem_of, waivers
from rebalancer.whatif.scenarios.edit import Situation
from rebalancer.whatif.scenarios.outcome import overload_bound

DECIMALS: Final = 6
"""Of objectives, where two placements are compared."""
PROVED = "proved"
OPENS_NOTHING = f"{PROVED}: it forbids no move that nothing else forbids"
SETS_NOTHING = f"{PROVED}: it limits nothing in this pool"
NOTHING_TO_SAVE = f"{PROVED}: with it nobody moves, and nothing is overloaded or broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a rule, a group or a limit costs now.

    Args:
        name: a rule by its id, a group by its name, a limit by its key.
        kind: which of these it is.
        says: what it asks, in words.
        origin: who asks: XAPI's code, the manual, or the operator.
        relaxable: whether anybody may do without it; XAPI's own rules nobody may.
        how: what doing without it takes; empty where nobody may.
        overload_saved: pCPU-hours above the threshold that there are less without it; below 0 where there are more,
            because something that counts more got better; None without metrics.
        overload_saved_at_most: no placement without it saves more, beside the one that was found with it.
        gib_saved: GiB that are copied less without it; below 0 where the way to less overload copies more.
        moves_saved: the same of moves.
        breaches_saved: breaches of rules and wishes that there are less.
        only: moves of one VM to one host that it alone forbids; None where it limits what hosts hold together.
        condition: under which the numbers hold.
    """

    name: str
    kind: str
    says: str
    origin: str
    relaxable: bool
    how: str
    overload_saved: float | None
    overload_saved_at_most: float | None
    gib_saved: float = 0.0
    moves_saved: int = 0
    breaches_saved: float = 0.0
    only: int | None = None
    condition: str

    @property
    def costs(self) -> bool:
        """Whether anything is other without it, or may be."""
        open_to = None if self.proved else self.overload_saved_at_most
        return any((self.overload_saved, self.gib_saved, self.breaches_saved, open_to))

    @property
    def proved(self) -> bool:
        """Whether nothing better was to be found, with it and without."""
        return self.condition.startswith(PROVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class AsItIs:
    """What is found with everything as it is."""

    placement: Placement
    overload: float | None
    gib: float
    moves: int
    breaches: float
    gap: float

    @property
    def nothing(self) -> bool:
        """Whether nobody moves and nothing is wrong."""
        return not (self.moves or self.overload or self.breaches)


def standing(now: Situation) -> AsItIs:
    """What is found in *now*.

    Raises:
        Infeasible: hosts have to be emptied and cannot.
    """
    book = Rulebook.of(problem_of(now))
    found = _solved(book)
    return _standing(book, found.placement, found.tiers)


def priced_at_once(now: Situation, held: AsItIs) -> dict[str, Price | Waiver]:
    """By label: what costs nothing, for which no search is needed; and what has to be solved without."""
    book = Rulebook.of(problem_of(now))
    only, limited = alone(book), {bound.rule.id for bound in book.limits}
    pooled = {rule.id for rule in book.rules if isinstance(rule, PoolRule)}
    found: dict[str, Price | Waiver] = {}
    for each in waivers(book):
        count = None if only is None or each.kind is not WaiverKind.RULE or each.name in pooled else only[each.name]
        idle = each.name in pooled and each.name not in limited
        why = SETS_NOTHING if idle else OPENS_NOTHING if count == 0 else NOTHING_TO_SAVE if held.nothing else ""
        found[each.label] = _free(each, held, count, why) if why else replace(each, only=count)
    return found


def price_of(now: Situation, given: Waiver, held: AsItIs) -> Price:
    """The price of what is *given* up, beside what is *held* with it: a placement without it is no worse than that."""
    book = given.book(now)
    found = _solved(book, near=held.placement)
    better = _rank(book, found.placement) <= _rank(book, held.placement)
    then = _standing(book, found.placement if better else held.placement, found.tiers)
    most = None if then.overload is None else overload_bound(book)
    return replace(
        _free(given, held, given.only, _condition(held, then)),
        overload_saved=_less(held.overload, then.overload),
        overload_saved_at_most=_less(held.overload, most),
        gib_saved=_fewer(held.gib, then.gib),
        moves_saved=held.moves - then.moves,
        breaches_saved=_fewer(held.breaches, then.breaches),
    )


def _solved(book: Rulebook, near: Placement | None = None) -> Solution:
    """A placement that no clock has a word in."""
    return solve(book, near=near, budget=Budget(book.problem.policy.limits, until=Deadline()))


def _standing(book: Rulebook, placement: Placement, tiers: Sequence[TierResult]) -> AsItIs:
    return AsItIs(
        placement=placement,
        overload=None if book.problem.demand is None else Overload().value(placement, book),
        gib=MigrationCost().value(placement, book),
        moves=len(book.problem.initial.moves_to(placement)),
        breaches=Repair().value(placement, book),
        gap=max((tier.gap for tier in tiers), default=1.0),
    )


def _rank(book: Rulebook, placement: Placement) -> tuple[float, ...]:
    """What counts, most important first, without float noise."""
    problem = book.problem
    main: Objective = MigrationCost() if problem.demand is None else gaining(problem.policy)
    return tuple(round(each.value(placement, book), DECIMALS) for each in (Repair(), FailuresLost(), main))


def _less(held: float | None, then: float | None) -> float | None:
    return None if held is None or then is None else _fewer(held, then)


def _fewer(held: float, then: float) -> float:
    """The difference, without float noise and never as minus zero."""
    return round(held - then, DECIMALS) + 0.0


def alone(book: Rulebook) -> Counter[str] | None:
    """By rule, moves of one VM to one host that it alone forbids; None where disks may go along, by other rules."""
    if book.problem.policy.storage_motion.enabled:
        return None
    found: Counter[str] = Counter()
    for vm in book.problem.initial.host_of:
        for host in book.problem.pool.hosts.values():
            rules = {objection.rule for objection in book.live.objections(book.problem.pool.vms[vm], host)}
            if len(rules) == 1:
                found.update(rules)
    return found


def _free(given: Waiver, held: AsItIs, only: int | None, condition: str) -> Price:
    nothing = None if held.overload is None else 0.0
    return Price(
        name=given.name,
        kind=given.section or given.kind,
        says=given.says,
        origin=given.origin,
        relaxable=given.relaxable,
        how=given.how,
        overload_saved=nothing,
        overload_saved_at_most=nothing,
        only=only,
        condition=condition,
    )


def _condition(held: AsItIs, then: AsItIs) -> str:
    if not held.gap and not then.gap:
        return f"{PROVED}: both placements are the best, by what breaks, load and moves"
    return f"beside placements found: {held.gap:.1%} from the best at most with it, {then.gap:.1%} without"
