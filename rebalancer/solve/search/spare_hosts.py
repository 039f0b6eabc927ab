"""The tier of hosts to spare: failures that the pool does not outlive tonight are outlived, as many as can be."""

from __future__ import annotations

from dataclasses import replace

from rebalancer.objectives import FailuresLost, MigrationCost
from rebalancer.solve.instance.instance import Ints
from rebalancer.solve.model.cp_sat import Effort
from rebalancer.solve.model.lazy_failures import search_lazily
from rebalancer.solve.model.objective_terms import goal_of
from rebalancer.solve.model.tier import HeldTier, Progress, TierAnswer, TierProblem, placement_of
from rebalancer.solve.search.full_model import improve_whole

MOST_WANTED = 128
"""Failures that one model is asked to mend: each brings variables and rows of its own."""
SHARE = 0.5
"""Part of the work for mending; a quarter of it again goes into reaching as much with fewer GiB."""


def improve_sparing(stage: TierProblem, start: Ints, effort: Effort, progress: Progress) -> TierAnswer:
    """The fewest failures lost; what is outlived there stays so in later tiers, failure by failure."""
    failures = stage.instance.failures
    failures.wanted[:] = failures.unmet(placement_of(stage.instance, start))[:MOST_WANTED]
    share = replace(effort, deterministic=effort.deterministic * SHARE, gap=0.0)
    found = improve_whole(stage, start, share, progress)
    at = start if found.at is None else _cheaper(stage, found.at, found.value, share)
    placement = placement_of(stage.instance, at)
    lost = len(failures.unmet(placement))
    failures.keep(placement)
    return replace(found, at=at, goal=goal_of(()), value=lost, bound=min(lost, max(0, found.bound)))


def _cheaper(stage: TierProblem, at: Ints, value: int, effort: Effort) -> Ints:
    """As few failures lost with fewer GiB: a better start for what follows."""
    held = (*stage.held, HeldTier(objective=FailuresLost(), value=value))
    cheap = replace(stage, objective=MigrationCost(), held=held)
    quarter = replace(effort, deterministic=effort.deterministic / 4)
    answer = search_lazily(cheap, cheap.whole(), at, quarter)[2]
    return at if answer.at is None else answer.at
