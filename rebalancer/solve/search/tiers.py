"""The tiers of a mode, improved one after another, the former held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rebalancer.objectives import (
    Balance,
    FailuresLost,
    HostsInUse,
    LastResort,
    MigrationCost,
    Objective,
    Overload,
    Peak,
    Repair,
    Spread,
)
from rebalancer.policy import Mode
from rebalancer.solve.instance.instance import Instance, Ints
from rebalancer.solve.model.cp_sat import Effort
from rebalancer.solve.model.tier import HeldTier, Pairs, Progress, TierAnswer, TierProblem, true_value
from rebalancer.solve.result.reporter import SolveReporter
from rebalancer.solve.result.solution import Tier
from rebalancer.solve.search.budget import Budget
from rebalancer.solve.search.by_component import improve_apart
from rebalancer.solve.search.consolidate import improve_emptying, is_about_hosts
from rebalancer.solve.search.full_model import improve_whole
from rebalancer.solve.search.lns import is_about_load
from rebalancer.solve.search.repair import improve_repair
from rebalancer.solve.search.spare_hosts import improve_sparing


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ladder:
    """Where the tiers led: the host of every unit, or None where there is no placement or none was found in time.

    `rejected_gain` is what moves would have gained that were not worth making, in pCPU-hours.
    """

    at: Ints | None
    tiers: tuple[Tier, ...]
    reproducible: bool
    impossible: bool = False
    bound_by: str = ""
    rejected_gain: float | None = None


def objectives_of(instance: Instance) -> tuple[Objective, ...]:
    """What the policy's mode asks for, most important first."""
    problem = instance.problem
    overload: tuple[Objective, ...] = () if problem.demand is None else (Overload(),)
    spared = (LastResort(),) if problem.intent.last_resort else ()
    if problem.policy.mode is Mode.EVACUATE:
        wishes = (Repair(),) if instance.soft_limits or instance.soft_groups else ()
        return (*spared, MigrationCost(), *wishes, *overload)
    if problem.policy.mode is Mode.REPAIR:
        return (*repairs_of(instance), *spared, MigrationCost(), *overload)
    fewest = (Overload(), HostsInUse()) if problem.policy.mode is Mode.CONSOLIDATE else ()
    known = {"peak": Peak(_fixable(instance)), "spread": Spread()}
    clean_up = tuple(known[name] for name in dict.fromkeys(problem.policy.objective.clean_up))
    return (*repairs_of(instance), *fewest, Balance(), *clean_up)


def repairs_of(instance: Instance) -> tuple[Objective, ...]:
    """What is mended: rules that are broken, and failures that the pool does not outlive tonight."""
    lost = instance.failures.unmet(instance.problem.initial)
    return (Repair(), *((FailuresLost(),) if lost else ()))


def climb(
    instance: Instance,
    objectives: Sequence[Objective],
    *,
    start: Ints | None,
    near: Ints | None = None,
    held: tuple[HeldTier, ...] = (),
    forbidden: tuple[Pairs, ...],
    budget: Budget,
    reporter: SolveReporter,
) -> Ladder:
    """Improve *objectives* one after another, from *start*, if a placement is known, and on from *near*.

    What is *held* from the beginning holds in *start*.
    """
    done = Ladder(at=start, tiers=(), reproducible=True)
    stage = TierProblem(instance=instance, objective=objectives[0], held=held, forbidden=forbidden, near=near)
    for number, objective in enumerate(objectives):
        stage = replace(stage, objective=objective)
        if done.at is not None and stage.pins(done.at):
            done = _as_tonight(objective, done, instance, reporter)
            continue
        improved = _improve(stage, done.at, budget, len(objectives) - number, reporter)
        done = _after(stage, improved, done, reporter)
        if improved.at is None:
            return done
        reached = HeldTier(objective=objective, value=improved.value, proved=improved.proved)
        stage = replace(stage, held=(*stage.held, reached))
    return done


def _as_tonight(objective: Objective, done: Ladder, instance: Instance, reporter: SolveReporter) -> Ladder:
    """The climb with one more tier, which is as it is tonight, for nothing may move."""
    value = objective.value(instance.problem.initial, instance.book)
    reporter.tier_started(objective.id, objective.unit, value)
    tier = Tier(objective=objective.id, unit=objective.unit, before=value, after=value, bound=value, proved=True)
    reporter.tier_done(tier)
    return replace(done, tiers=(*done.tiers, tier))


def _improve(stage: TierProblem, start: Ints | None, budget: Budget, left: int, reporter: SolveReporter) -> TierAnswer:
    """One tier, by the method that suits the size of the pool."""
    objective, book = stage.objective, stage.instance.book
    reporter.tier_started(objective.id, objective.unit, objective.value(book.problem.initial, book))
    improved = _by_size(stage, start, budget.share(left), _progress(objective, reporter))
    budget.spend(improved.deterministic)
    return improved


def _by_size(stage: TierProblem, start: Ints | None, effort: Effort, progress: Progress) -> TierAnswer:
    """The method that suits the objective and the size of the pool."""
    if start is None:
        return improve_whole(stage, start, effort, progress)
    if isinstance(stage.objective, FailuresLost):
        return improve_sparing(stage, start, effort, progress)
    if not stage.instance.units:
        return improve_whole(stage, start, effort, progress)
    if isinstance(stage.objective, Repair) and not stage.held:
        return improve_repair(stage, start, effort, progress)
    if is_about_hosts(stage):
        return improve_emptying(stage, start, effort, progress)
    return (improve_apart if is_about_load(stage) else improve_whole)(stage, start, effort, progress)


def _progress(objective: Objective, reporter: SolveReporter) -> Progress:
    """Tells the reporter."""
    return lambda value, bound: reporter.progress(objective.id, value, bound)


def _after(stage: TierProblem, improved: TierAnswer, before: Ladder, reporter: SolveReporter) -> Ladder:
    """The climb with one more tier."""
    reproducible = before.reproducible and improved.on_time
    if improved.at is None:
        return replace(before, at=None, reproducible=reproducible, impossible=improved.impossible)
    objective, book = stage.objective, stage.instance.book
    after = true_value(stage, improved, improved.at)
    bound = after if improved.proved and not improved.goal.surplus else improved.true_bound
    tier = Tier(
        objective=objective.id,
        unit=objective.unit,
        before=objective.value(book.problem.initial, book),
        after=after,
        bound=min(after, bound),
        proved=improved.proved,
    )
    reporter.tier_done(tier)
    return replace(
        before, at=improved.at, tiers=(*before.tiers, tier), reproducible=reproducible, bound_by=improved.bound_by
    )


def _fixable(instance: Instance) -> frozenset[str]:
    """Hosts whose load can be lowered: somebody on them may go elsewhere."""
    return frozenset(instance.hosts[host] for host in np.unique(instance.home).tolist())
