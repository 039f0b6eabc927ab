"""From a problem to the best placement found, with a bound on how much better any other could be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rebalancer.errors import Fix, Infeasible
from rebalancer.objectives import NEGLIGIBLE, FailuresLost, LoadCost, MigrationCost, Objective, Repair, gaining
from rebalancer.objectives.load import demand_of
from rebalancer.placement import Migration, Placement
from rebalancer.policy import Mode
from rebalancer.rules import Rulebook
from rebalancer.solve.infeasible.conflicts import left_behind, rules_to_blame
from rebalancer.solve.infeasible.relaxations import cheapest_fixes
from rebalancer.solve.instance.idle_slots import without_idle_slots
from rebalancer.solve.instance.instance import Instance, Ints, instance_of
from rebalancer.solve.model.effort import Budget, Effort
from rebalancer.solve.model.tier import HeldTier, Pairs, TierProblem, at_of, held_at, pairs_of, placement_of
from rebalancer.solve.outcome import enough, gains_too_little, nothing_found, solved
from rebalancer.solve.result.check import refused_as_a_whole
from rebalancer.solve.result.solution import Solution, SolveReporter
from rebalancer.solve.search.full_model import search_lazily
from rebalancer.solve.search.priorities import objectives_of, repairs_of
from rebalancer.solve.search.tiers import Ladder, held_to, solve_tiers
from rebalancer.tier import HeldTo, TierResult

REPAIRS = {Repair.id, FailuresLost.id}
"""The objectives that are worth moves whatever is gained besides."""

REFUSALS = 20
"""Placements that may fail a rule judged as a whole before the search is given up."""

REPAIRS_SHARE = 0.2
"""Part of the work that looking for repairs alone may take on top, where balancing gains too little."""

BLAME_WORK = 5.0
"""Deterministic seconds for the question whether there would be a placement without a rule."""


def solve(
    book: Rulebook,
    *,
    forbidden: Sequence[frozenset[Migration]] = (),
    near: Placement | None = None,
    reporter: SolveReporter | None = None,
    budget: Budget | None = None,
) -> Solution:
    """The best placement found under the policy's limits, checked.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"), rb.Policy(limits={"solve_seconds": 0.2}))
        >>> found = rb.solve.solve(model.rulebook)
        >>> found.outcome.value, [tier.objective for tier in found.tiers]
        ('improved', ['repair', 'balance'])

    Args:
        book: the pool, its demand and policy, and the rules that bind.
        forbidden: sets of moves that may not all be made, because they have no legal order.
        near: an answer from before some moves were forbidden, from which the search goes on.
        reporter: hears how it goes on.
        budget: the work and time for it, which is spent; by default what the policy's limits say.

    Raises:
        Infeasible: hosts have to be emptied and cannot; says which rule holds each VM.
        MetricsRefused: there is no load profile, and the mode is to balance or to consolidate.
        ModelBug: the checker refuses the answer.
    """
    limits = book.problem.policy.limits
    solving = _Solving(book, forbidden, reporter or SolveReporter(), budget or Budget(limits))
    return solving.solution(None if near is None else at_of(solving.instance, near))


class _Solving:
    def __init__(
        self, book: Rulebook, forbidden: Sequence[frozenset[Migration]], reporter: SolveReporter, budget: Budget
    ) -> None:
        policy = book.problem.policy
        if policy.mode.needs_demand or policy.limits.host_load:
            demand_of(book.problem)
        self._book, self._problem, self._reporter = book, book.problem, reporter
        self._forbidden = [*forbidden]
        self._budget = budget
        self.instance = self._prepare()

    def solution(self, near: Ints | None) -> Solution:
        """The tiers solved, on from *near*, until no rule that is judged as a whole refuses the answer."""
        for _ in range(REFUSALS):
            evacuating = self._problem.policy.mode is Mode.EVACUATE
            start = None if evacuating else self.instance.home
            ladder = self._ladder(objectives_of(self.instance), start, self._budget, near)
            if ladder.at is None:
                return nothing_found(self._problem)
            ladder = self._worthwhile(ladder)
            placement = placement_of(self.instance, self.instance.home if ladder.at is None else ladder.at)
            if not refused_as_a_whole(self._book, placement):
                return solved(self._problem, placement, ladder)
            self._forbidden.append(frozenset(self._problem.initial.moves_to(placement)))
            near = ladder.at
        return nothing_found(self._problem)

    def _ladder(
        self,
        objectives: Sequence[Objective],
        start: Ints | None,
        budget: Budget,
        near: Ints | None = None,
        *,
        held: tuple[tuple[HeldTier, HeldTo], ...] = (),
    ) -> Ladder:
        """The tiers of *objectives*, from *start*, and on from *near*; what is *held* holds in *start*.

        Raises:
            Infeasible: no placement satisfies all rules.
        """
        if not held:
            self.instance.failures.forget()
        ladder = solve_tiers(
            self.instance,
            objectives,
            start=start,
            near=near,
            held=held,
            forbidden=self._pairs(self.instance),
            budget=budget,
            reporter=self._reporter,
        )
        if ladder.impossible:
            raise Infeasible(rules_to_blame(self._book, self._possible), self._fixes())
        return ladder

    def _worthwhile(self, ladder: Ladder) -> Ladder:
        at = self.instance.home if ladder.at is None else ladder.at
        moves = len(self._problem.initial.moves_to(placement_of(self.instance, at)))
        if not gains_too_little(self._problem, moves, ladder):
            return ladder
        if any(tier.objective in REPAIRS and tier.after < tier.before for tier in ladder.tiers):
            return self._repairs_only(ladder)
        main = gaining(self._problem.policy).id
        gain = sum(tier.before - tier.after for tier in ladder.tiers if tier.objective == main)
        return replace(ladder, at=self.instance.home, tiers=tuple(_given_up(ladder.tiers)), rejected_gain=gain)

    def _repairs_only(self, ladder: Ladder) -> Ladder:
        """The cheapest repairs, unless *ladder* gains enough on top of them."""
        limits = self._problem.policy.limits
        less = limits.model_copy(update={"solve_seconds": limits.solve_seconds * REPAIRS_SHARE})
        budget = Budget(less, until=self._budget.until)
        only = self._ladder((*repairs_of(self.instance), MigrationCost(), LoadCost()), self.instance.home, budget)
        if only.at is None or ladder.at is None:
            return ladder
        if self._overload(only.at) > max(self._overload(self.instance.home), self._overload(ladder.at)) + NEGLIGIBLE:
            only = self._repairs_without_harm(ladder, ladder.at, budget)
        if only.at is None:
            return ladder
        main = gaining(self._problem.policy)
        without = main.value(placement_of(self.instance, only.at), self._book)
        after = next(tier.after for tier in ladder.tiers if tier.objective == main.id)
        if enough(self._problem, without - after):
            return ladder
        # That *ladder* gains too little may be the doing of the clock.
        reproducible = ladder.reproducible and only.reproducible
        return replace(only, reproducible=reproducible, cut_in=ladder.cut_in or only.cut_in)

    def _repairs_without_harm(self, ladder: Ladder, at: Ints, budget: Budget) -> Ladder:
        """The cheapest repairs with no more overload than now, or than *ladder*, which is *at*, where that has more."""
        self.instance.failures.keep(placement_of(self.instance, at))
        worst = at if self._overload(at) >= self._overload(self.instance.home) else self.instance.home
        kept = [*((objective, at) for objective in repairs_of(self.instance)), (LoadCost(), worst)]
        held = tuple(self._held(objective, there) for objective, there in kept)
        only = self._ladder((MigrationCost(), LoadCost()), at, budget, held=held)
        end = placement_of(self.instance, at if only.at is None else only.at)
        values = {each.id: each.value(end, self._book) for each in repairs_of(self.instance)}
        repairs = (tier.ending_at(values[tier.objective]) for tier in ladder.tiers if tier.objective in values)
        return replace(only, tiers=(*repairs, *only.tiers))

    def _held(self, objective: Objective, at: Ints) -> tuple[HeldTier, HeldTo]:
        """No more of *objective* than where the units are *at*, in numbers of the solver and in its unit."""
        told = held_to(objective, placement_of(self.instance, at), self._book)
        return held_at(self.instance, objective, at), told

    def _overload(self, at: Ints) -> float:
        return LoadCost().value(placement_of(self.instance, at), self._book)

    def _prepare(self) -> Instance:
        """The problem in whole numbers.

        Raises:
            Infeasible: somebody cannot leave a host that is evacuated.
        """
        if self._problem.policy.mode is Mode.EVACUATE:
            found = self._book.stuck(self._problem.intent.empty)
            stuck = [each for each in found if each.vm not in self._problem.staying]
            if stuck:
                raise Infeasible(tuple(each.sentence for each in stuck), self._fixes())
        instance = instance_of(self._book)
        behind = left_behind(instance)
        if behind:
            raise Infeasible(behind, self._fixes())
        hosts, units, pairs = len(instance.hosts), len(instance.units), int(instance.legal.sum())
        self._reporter.instance(hosts=hosts, units=units, pairs=pairs)
        every = any(objective.needs_every_slot for objective in objectives_of(instance))
        return instance if every else without_idle_slots(instance)

    def _pairs(self, instance: Instance) -> tuple[Pairs, ...]:
        """What is forbidden, as pairs of units and hosts of *instance*; what cannot be made anyway is left out."""
        found = (pairs_of(instance, sorted(moves)) for moves in self._forbidden)
        return tuple(pairs for pairs in found if pairs is not None)

    def _fixes(self) -> tuple[Fix, ...]:
        """What could be given up; nothing where moves are forbidden, for then there was a placement before."""
        seconds = self._problem.policy.limits.solve_seconds
        return () if self._forbidden else cheapest_fixes(self._book, seconds=seconds)

    def _possible(self, book: Rulebook) -> bool:
        instance = instance_of(book)
        tier = TierProblem(instance=instance, objective=MigrationCost(), forbidden=self._pairs(instance))
        effort = Effort(deterministic=BLAME_WORK, seed=1)
        return search_lazily(tier, tier.whole(), None, effort)[2].at is not None


def _given_up(tiers: Sequence[TierResult]) -> Iterator[TierResult]:
    """*tiers* where nobody moves after all: a bound holds while every tier before it comes out as it did."""
    held = True
    for tier in tiers:
        bound, given = (min(tier.bound, tier.before), tier.held) if held else (0.0, ())
        held = held and tier.after == tier.before
        yield replace(tier, after=tier.before, bound=bound, proved=held and tier.proved, held=given)
