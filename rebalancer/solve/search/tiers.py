"""The tiers of a mode, optimised in order of importance, earlier ones held (lexicographic optimisation)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rebalancer.objectives import NEGLIGIBLE, FailuresLost, HostsInUse, Level, LowerPeak, Objective, Repair, Spread
from rebalancer.placement import Placement
from rebalancer.rules import Rulebook
from rebalancer.solve.instance.instance import Instance, Ints
from rebalancer.solve.model.effort import Budget, Effort
from rebalancer.solve.model.tier import (
    HeldTier,
    Pairs,
    Progress,
    TierAnswer,
    TierProblem,
    held_at,
    placement_of,
    true_value,
)
from rebalancer.solve.result.solution import SolveReporter
from rebalancer.solve.search.by_component import improve_by_component
from rebalancer.solve.search.consolidate import consolidate
from rebalancer.solve.search.first_answer import first_answer
from rebalancer.solve.search.full_model import improve_full_model
from rebalancer.solve.search.levelling import improve_levelling
from rebalancer.solve.search.lns import is_about_load
from rebalancer.solve.search.repair import improve_repair, improve_spare_hosts
from rebalancer.tier import HeldTo, TierResult, meets

REPAIRS_SHARE, USUAL_SHARE = 0.5, 0.7
"""Parts of the work that is left for a tier of repairs, and for any other: what one leaves is for those after it."""
LEAST_SHARE = 0.005
"""What a lower peak has to gain, as a share of capacity: half a point."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ladder:
    """Where the tiers led: the host of every unit, or None where there is no placement or none was found in time.

    `unfinished` are the objectives for which the work ran out before anything was proved, `cut_in` is the one that the
    clock cut short first, and `rejected_gain` what moves would have gained that were not worth making, in pCPU-hours.
    `held` is what the next tier may not make worse, `excluded` how many sets of moves no tier may make, and `levelled`
    whether VMs move to level load that no limit asks to be lower.
    """

    at: Ints | None
    tiers: tuple[TierResult, ...] = ()
    reproducible: bool = True
    impossible: bool = False
    bound_by: str = ""
    unfinished: tuple[str, ...] = ()
    cut_in: str = ""
    rejected_gain: float | None = None
    held: tuple[HeldTo, ...] = ()
    excluded: int = 0
    levelled: bool = False

    def of(self, objective: str) -> TierResult | None:
        """The result of *objective*; None where it is no tier."""
        return next((each for each in self.tiers if each.objective == objective), None)


def solve_tiers(
    instance: Instance,
    objectives: Sequence[Objective],
    *,
    start: Ints | None,
    near: Ints | None = None,
    held: tuple[tuple[HeldTier, HeldTo], ...] = (),
    forbidden: tuple[Pairs, ...],
    budget: Budget,
    reporter: SolveReporter,
) -> Ladder:
    """Optimise *objectives* one after another, from *start*, if a placement is known, and on from *near*.

    What is *held* from the beginning, in numbers of the solver and in true units, holds in *start*.
    """
    ladder = Ladder(at=start, held=tuple(told for _, told in held), excluded=len(forbidden))
    kept = tuple(each for each, _ in held)
    tier = TierProblem(instance=instance, objective=objectives[0], held=kept, forbidden=forbidden, near=near)
    first = first_answer(tier, objectives, start, budget.share(1.0))
    budget.spend(first.work)
    for number, objective in enumerate(objectives):
        tier = replace(tier, objective=objective)
        if objective.spends and ladder.at is not None:
            tier, ladder = _released(tier, ladder, ladder.at)
        before = objective.value(instance.problem.initial, instance.book)
        reporter.tier_started(objective.id, objective.unit, before)
        if ladder.at is not None and tier.pins(ladder.at):
            ladder = _with(ladder, objective, before=before, after=before, bound=before, proved=True)
            reporter.tier_done(ladder.tiers[-1])
            continue
        effort = budget.share(1.0 if number == len(objectives) - 1 else share_of(objective))
        begin = first.at if ladder.at is None and is_about_load(tier) else ladder.at
        answer = _no_worse_than(first.at, _solve(tier, begin, effort, _progress(objective, reporter)), tier)
        budget.spend(answer.deterministic)
        if objective.spends and begin is not None:
            answer = _if_worth_it(tier, answer, begin)
            ladder = replace(ladder, levelled=ladder.levelled or answer.at is not begin)
        if answer.at is None:
            return replace(ladder, at=None, impossible=answer.impossible)
        ladder = _reached(ladder, tier, answer, answer.at, before=before)
        ladder = _with_its_end(
            ladder, objective, answer, cut=not answer.on_time and (not effort.gap or budget.until.passed)
        )
        reporter.tier_done(ladder.tiers[-1])
        reached = HeldTier(objective=objective, value=answer.value, proved=answer.proved)
        tier = replace(tier, held=(*tier.held, reached))
    return _as_it_ended(ladder, objectives, instance)


def _released(tier: TierProblem, ladder: Ladder, at: Ints) -> tuple[TierProblem, Ladder]:
    """*tier* and *ladder* where what earlier objectives paid is not held any more, but what they reached is, *at*."""
    placement, instance = placement_of(tier.instance, at), tier.instance
    unpaid = {each.id: each for held in tier.held for each in (held.objective.unpaid(),)}
    values = {held.objective.id: held for held in tier.held}
    kept = tuple(values.get(name) or held_at(instance, each, at) for name, each in unpaid.items())
    told = {each.objective: each for each in ladder.held}
    most = (told.get(name) or held_to(each, placement, instance.book) for name, each in unpaid.items())
    return replace(tier, held=kept), replace(ladder, held=tuple(most))


def _if_worth_it(tier: TierProblem, answer: TierAnswer, begin: Ints) -> TierAnswer:
    """*answer*, or where everything was when the tier began, if that is nearly as good: VMs move for a gain only."""
    problem, book = tier.instance.problem, tier.instance.book
    least = LEAST_SHARE if isinstance(tier.objective, LowerPeak) else problem.policy.limits.minimum_gain_pcpu_hours
    ends = (placement_of(tier.instance, each) for each in (begin, begin if answer.at is None else answer.at))
    was, now = (tier.objective.value(each, book) for each in ends)
    if was - now >= max(least, NEGLIGIBLE):
        return answer
    goal, value = tier.evaluate(begin)
    return replace(answer, at=begin, goal=goal, value=value)


def held_to(objective: Objective, placement: Placement, book: Rulebook) -> HeldTo:
    """No more of *objective* than *placement* has, in its unit."""
    return HeldTo(objective=objective.id, unit=objective.unit, most=objective.value(placement, book))


def _as_it_ended(ladder: Ladder, objectives: Sequence[Objective], instance: Instance) -> Ladder:
    """*ladder* with every tier as the end has it: later tiers may better what an earlier one left unproved."""
    if ladder.at is None:
        return ladder
    placement = placement_of(instance, ladder.at)
    values = [objective.value(placement, instance.book) for objective in objectives[:-1]]
    ended = [tier.ending_at(value) for tier, value in zip(ladder.tiers, values, strict=False)]
    if ladder.levelled:
        # What was spent on levelling is on top of what was reached, and no rounding.
        ended = [replace(tier, proved=tier.proved and tier.after - tier.bound <= NEGLIGIBLE) for tier in ended]
    return replace(ladder, tiers=(*ended, *ladder.tiers[len(values) :]))


def share_of(objective: Objective) -> float:
    """The part of the work that is left which *objective* may take, with others after it."""
    return REPAIRS_SHARE if isinstance(objective, Repair | FailuresLost) else USUAL_SHARE


def _no_worse_than(first: Ints | None, answer: TierAnswer, tier: TierProblem) -> TierAnswer:
    """*answer*, or the *first* one where that is better; where the clock ended the tier, also where it is as good.

    Failures that hosts have to outlive are counted by the tier itself: its answer stands.
    """
    hopeless = answer.impossible or answer.proved or isinstance(tier.objective, FailuresLost)
    if first is None or hopeless or not tier.allows(first):
        return answer
    goal, value = tier.evaluate(first)
    worse = answer.at is None or value < answer.value or (value == answer.value and not answer.on_time)
    return replace(answer, at=first, goal=goal, value=value, bound=min(answer.bound, value)) if worse else answer


def _reached(ladder: Ladder, tier: TierProblem, answer: TierAnswer, at: Ints, *, before: float) -> Ladder:
    """*ladder* with the *answer* to a tier, which is *at*."""
    after = true_value(tier, answer, at)
    bound = min(after, after if answer.proved and not answer.goal.surplus else answer.true_bound)
    ladder = _with(ladder, tier.objective, before=before, after=after, bound=bound, proved=answer.proved)
    reproducible = ladder.reproducible and answer.on_time
    return replace(ladder, at=at, bound_by=answer.bound_by, reproducible=reproducible)


def _with_its_end(ladder: Ladder, objective: Objective, answer: TierAnswer, *, cut: bool) -> Ladder:
    """*ladder* with how the tier of *objective* ended: also where all is proved, the clock may have *cut* it short."""
    left_open = () if answer.proved or answer.enough else (objective.id,)
    cut_in = ladder.cut_in or (objective.id if cut else "")
    return replace(ladder, unfinished=(*ladder.unfinished, *left_open), cut_in=cut_in)


def _solve(tier: TierProblem, start: Ints | None, effort: Effort, progress: Progress) -> TierAnswer:
    if start is None:
        return improve_full_model(tier, start, effort, progress)
    return _search_for(tier)(tier, start, effort, progress)


def _search_for(tier: TierProblem) -> Callable[[TierProblem, Ints, Effort, Progress], TierAnswer]:
    """What improves *tier* best."""
    if isinstance(tier.objective, FailuresLost):
        return improve_spare_hosts
    if not tier.instance.units:
        return improve_full_model
    if isinstance(tier.objective, Repair) and not tier.held:
        return improve_repair
    if isinstance(tier.objective, Level | Spread):
        return improve_levelling
    if isinstance(tier.objective, HostsInUse):
        return consolidate
    return improve_by_component if is_about_load(tier) else improve_full_model


def _progress(objective: Objective, reporter: SolveReporter) -> Progress:
    return lambda value, bound: reporter.progress(objective.id, value, bound)


def _with(ladder: Ladder, objective: Objective, *, before: float, after: float, bound: float, proved: bool) -> Ladder:
    result = TierResult(
        objective=objective.id,
        sentence=objective.sentence,
        unit=objective.unit,
        before=before,
        after=after,
        bound=bound,
        proved=proved and meets(after, bound),
        held=ladder.held,
        excluded=ladder.excluded,
    )
    reached = HeldTo(objective=objective.id, unit=objective.unit, most=after)
    return replace(ladder, tiers=(*ladder.tiers, result), held=(*ladder.held, reached))
