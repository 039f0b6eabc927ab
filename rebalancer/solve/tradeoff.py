"""What a lower load cost takes: the curve of GiB copied, or of moves, against it, each point with its bound.

Every point is a placement with the least load cost found for so much and no more to pay (epsilon constraint), reached
with the fewest GiB. No point moves more VMs that are a last resort than the end of the curve has to. The search for
a point starts from the neighbour that costs less. What nothing beats with more to pay, nothing beats with less, so
bounds are handed down the curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from rebalancer.errors import ModelBug
from rebalancer.essence import line_of
from rebalancer.objectives import NEGLIGIBLE, LastResort, LoadCost, MigrationCost, Outlay, Repair
from rebalancer.objectives.load import demand_of
from rebalancer.placement import Placement
from rebalancer.plan.conditions import limits_of
from rebalancer.policy import Mode
from rebalancer.rules import Rulebook
from rebalancer.solve.instance.instance import Instance, Ints, instance_of
from rebalancer.solve.model.effort import Budget, Deadline
from rebalancer.solve.model.tier import HeldTier, TierAnswer, TierProblem, at_of, held_at, placement_of, true_value
from rebalancer.solve.result.check import refused_as_a_whole
from rebalancer.solve.search.by_component import improve_by_component
from rebalancer.solve.search.full_model import improve_full_model
from rebalancer.tier import gap_of
from rebalancer.units import counted, gib

SHARE_OF_FIRST = 0.4
"""Part of `limits.solve_seconds` for the end of the curve; the other points share the rest."""

USUAL_SHARE = 0.7
"""Part of the work of a point for its load cost; what is left is for its GiB."""

NARROW = 0.02
"""A stretch of the curve that covers less of it than this, by area, gets no further point."""

ENDS = 2
"""Points of a curve without a middle."""


class Cost(StrEnum):
    """What the load cost is held against."""

    GIB = "gib"
    MOVES = "moves"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A placement on the curve.

    Args:
        allowed: how much might be paid, in the unit of the curve; what it pays is `gib` or `moves`.
        gib: GiB that it copies.
        moves: VMs that it moves.
        load_cost: what the load that it leaves costs, in weighted pCPU-hours, as `LoadCost` has it.
        bound: a load cost that no placement is below that pays no more than `allowed` and moves no more last resorts
            than the end of the curve, in weighted pCPU-hours.
        proved: whether the two are one.
        placement: where every guest is.
    """

    allowed: float
    gib: float
    moves: int
    load_cost: float
    bound: float
    proved: bool
    placement: Placement

    def paid(self, cost: Cost) -> float:
        """What it costs, in the unit of the curve."""
        return self.gib if cost is Cost.GIB else float(self.moves)

    @property
    def gap(self) -> float:
        """How far its load cost may be from the least, as a share of it."""
        return gap_of(self.load_cost, self.bound, proved=self.proved)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tradeoff:
    """The curve, from doing nothing to the least load cost, dominated points left out.

    Args:
        cost: what is held against the load cost.
        points: from the cheapest on.
        knee: number of the point after which paying more brings least, farthest from the line between the ends; None
            where there are only ends.
        breaches: what is broken now; no point breaks more, and none is chosen to mend it.
        last_resorts: how many VMs that are a last resort have to move for the least load cost; points and bounds are
            of placements that move no more. None where no VM is one.
        chosen: number of the point that is best by the prices of the policy, which `balance` comes nearest to.
        limits: what the policy limits, in words; points and bounds are of placements that keep it.
    """

    cost: Cost
    points: tuple[Point, ...]
    knee: int | None
    breaches: float
    last_resorts: int | None
    chosen: int
    limits: tuple[str, ...]

    def __repr__(self) -> str:
        first, last = self.points[0], self.points[-1]
        ends = f"load cost {first.load_cost:g} to {last.load_cost:g} {self.unit}"
        return line_of("Tradeoff", f"{counted(len(self.points), 'point')}, {ends} for {last.gib:g} GiB")

    @property
    def unit(self) -> str:
        """Of load costs and bounds."""
        return LoadCost.unit


def tradeoff(book: Rulebook, *, cost: Cost = Cost.GIB, points: int = 9) -> Tradeoff:
    """The curve of *book* with *points* at most, within the limits and the seconds of its policy.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"), rb.Policy(limits={"solve_seconds": 0.2}))
        >>> curve = rb.solve.tradeoff(model.rulebook, points=3)
        >>> [point.allowed for point in curve.points]
        [187.0]

    Raises:
        MetricsRefused: there is no load profile.
        ModelBug: the checker refuses a point.
    """
    demand_of(book.problem)
    return _Tracing(book, cost, points).curve()


class _Tracing:
    def __init__(self, book: Rulebook, cost: Cost, points: int) -> None:
        balancing = book.problem.policy.model_copy(update={"mode": Mode.BALANCE})
        self._book = book.under(replace(book.problem, policy=balancing))
        self._problem = self._book.problem
        self._cost, self._most = cost, points
        self._instance = instance_of(self._book)
        self._seconds = balancing.limits.solve_seconds
        self._until = Deadline.of(balancing.limits)
        self._found: list[Point] = []
        self._reluctance: tuple[HeldTier, ...] = ()
        self._last_resorts: int | None = None

    def curve(self) -> Tradeoff:
        """Both ends, then the middle of whatever stretch hides most."""
        initial = self._problem.initial
        load_cost = LoadCost().value(initial, self._book)
        nothing = Point(allowed=0, gib=0, moves=0, load_cost=load_cost, bound=load_cost, proved=True, placement=initial)
        self._found = [nothing]
        self._add(self._allowed_at_most(), self._seconds * SHARE_OF_FIRST)
        each = self._seconds * (1 - SHARE_OF_FIRST) / max(1, self._most - 2)
        closed: set[float] = set()
        for _ in range(self._most - 2):
            allowed = self._widest(closed)
            if allowed is None:
                break
            closed.add(allowed)
            self._add(allowed, each)
        return self._tradeoff()

    def _tradeoff(self) -> Tradeoff:
        points: list[Point] = []
        lowest = 0.0
        for point in sorted(self._found, key=lambda each: -each.allowed):
            lowest = max(lowest, point.bound)
            bound = min(lowest, point.load_cost)
            proved = point.proved or point.load_cost - bound <= NEGLIGIBLE
            points.append(replace(point, bound=bound, proved=proved))
        kept = _undominated(points, self._cost)
        return Tradeoff(
            cost=self._cost,
            points=kept,
            knee=knee_of(kept, self._cost),
            breaches=Repair().value(self._problem.initial, self._book),
            last_resorts=self._last_resorts,
            chosen=min(range(len(kept)), key=lambda number: self._worth(kept[number])),
            limits=tuple(limits_of(self._problem.policy)),
        )

    def _worth(self, point: Point) -> float:
        """Load cost and what is paid for it, by the prices of the policy."""
        return point.load_cost + Outlay().value(point.placement, self._book)

    def _allowed_at_most(self) -> float:
        """What the policy allows; where it allows everything, what moving everybody costs."""
        limits, instance = self._problem.policy.limits, self._instance
        if self._cost is Cost.MOVES:
            return float(instance.moves.largest if limits.maximum_moves is None else limits.maximum_moves)
        everybody = gib(instance.copied.largest)
        return everybody if limits.maximum_gib is None else limits.maximum_gib

    def _widest(self, closed: set[float]) -> float | None:
        """The middle of the stretch between two points that hides most; None where all are narrow."""
        ends = sorted(self._found, key=self._paid)
        area = (self._paid(ends[-1]) or 1.0) * (ends[0].load_cost - ends[-1].load_cost or 1.0)
        stretches = []
        for cheap, dear in pairwise(ends):
            low, high = self._paid(cheap), self._paid(dear)
            middle = float((low + high) // 2) if self._cost is Cost.MOVES else round((low + high) / 2, 3)
            hidden = (high - low) * (cheap.load_cost - dear.load_cost) / area
            if low < middle < high and middle not in closed and hidden > NARROW:
                stretches.append((hidden, middle))
        return max(stretches)[1] if stretches else None

    def _paid(self, point: Point) -> float:
        return point.paid(self._cost)

    def _add(self, allowed: float, seconds: float) -> None:
        """Look for the least load cost with no more than *allowed* to pay, from the neighbour that pays less."""
        instance = self._limited(allowed)
        cheaper = max((each for each in self._found if self._paid(each) <= allowed), key=self._paid)
        near = at_of(instance, cheaper.placement)
        limits = instance.problem.policy.limits.model_copy(update={"solve_seconds": seconds})
        budget = Budget(limits, until=self._until)
        unbroken = held_at(instance, Repair(), instance.home)
        tier = TierProblem(instance=instance, objective=LoadCost(), held=(unbroken, *self._reluctance))
        first = improve_by_component(tier, near, budget.share(USUAL_SHARE), _silent)
        budget.spend(first.deterministic)
        held = HeldTier(objective=LoadCost(), value=first.value, proved=first.proved)
        reached = replace(tier, held=(*tier.held, held))
        at = first.at if self._reluctance else self._reluctant(reached, first.at, budget)
        cheapest = replace(reached, objective=MigrationCost(), held=(*reached.held, *self._reluctance))
        second = improve_full_model(cheapest, at, budget.share(1.0), _silent)
        self._keep(tier, first, second.at if second.at is not None else near, allowed)

    def _reluctant(self, tier: TierProblem, at: Ints | None, budget: Budget) -> Ints | None:
        """From *at*, with all to pay, to as few moves of last resorts as there can be; no point moves more of them."""
        if not self._problem.intent.last_resort:
            return at
        fewest = improve_full_model(replace(tier, objective=LastResort()), at, budget.share(USUAL_SHARE), _silent)
        budget.spend(fewest.deterministic)
        self._reluctance = (HeldTier(objective=LastResort(), value=fewest.value, proved=fewest.proved),)
        if fewest.at is not None:
            self._last_resorts = round(LastResort().value(placement_of(tier.instance, fewest.at), self._book))
        return fewest.at

    def _keep(self, tier: TierProblem, first: TierAnswer, at: Ints, allowed: float) -> None:
        """The point *at*, unless a rule that is judged as a whole refuses it."""
        problem = tier.instance.problem
        placement = placement_of(tier.instance, at)
        if refused_as_a_whole(tier.instance.book, placement):
            return
        load_cost = LoadCost().value(placement, self._book)
        if load_cost > true_value(tier, first, first.at if first.at is not None else at) + NEGLIGIBLE:
            raise ModelBug(f"copying less raised the load cost to {load_cost}")
        bound = min(load_cost, first.true_bound)
        point = Point(
            allowed=allowed,
            gib=MigrationCost().value(placement, self._book),
            moves=len(problem.initial.moves_to(placement)),
            load_cost=load_cost,
            bound=load_cost if first.proved and not first.goal.surplus else bound,
            proved=first.proved,
            placement=placement,
        )
        self._found.append(point)

    def _limited(self, allowed: float) -> Instance:
        key = "maximum_gib" if self._cost is Cost.GIB else "maximum_moves"
        most = allowed if self._cost is Cost.GIB else int(allowed)
        policy = self._problem.policy
        limits = policy.limits.model_copy(update={key: most})
        problem = replace(self._problem, policy=policy.model_copy(update={"limits": limits}))
        return replace(self._instance, book=self._book.under(problem))


def _silent(_value: float, _bound: float) -> None:
    """A point is found without a report."""


def _undominated(points: Sequence[Point], cost: Cost) -> tuple[Point, ...]:
    kept: list[Point] = []
    for point in sorted(points, key=lambda each: (each.paid(cost), each.load_cost, each.gib)):
        if not kept or point.load_cost < kept[-1].load_cost - NEGLIGIBLE:
            kept.append(point)
    return tuple(kept)


def knee_of(points: Sequence[Point], cost: Cost) -> int | None:
    """The point farthest below the line between the ends, both axes as shares of their range."""
    if len(points) <= ENDS:
        return None
    paid = [point.paid(cost) / points[-1].paid(cost) for point in points]
    span = points[0].load_cost - points[-1].load_cost
    left = [(point.load_cost - points[-1].load_cost) / span for point in points]
    below = [1 - x - y for x, y in zip(paid, left, strict=True)]
    best = max(range(len(points)), key=lambda number: (below[number], -number))
    return best if below[best] > NEGLIGIBLE else None
