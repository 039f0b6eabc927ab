"""The tier of hosts to spare: failures that the pool does not outlive now are outlived, as many as can be."""

from __future__ import annotations

from dataclasses import replace

from rebalancer.solve.instance.instance import Ints
from rebalancer.solve.model.cp_sat import Effort
from rebalancer.solve.model.objective_terms import goal_of
from rebalancer.solve.model.tier import Progress, TierAnswer, TierProblem, placement_of
from rebalancer.solve.search.full_model import improve_full_model
from rebalancer.solve.search.repair import with_fewer_gib

MOST_WANTED = 128
"""Failures that one model is asked to mend: each brings variables and rows of its own."""
SHARE = 0.5
"""Part of the work for mending; a quarter of it again goes into reaching as much with fewer GiB."""


def improve_spare_hosts(tier: TierProblem, start: Ints, effort: Effort, progress: Progress) -> TierAnswer:
    """The fewest failures lost; what is outlived there stays so in later tiers, failure by failure."""
    failures = tier.instance.failures
    failures.wanted[:] = failures.unmet(placement_of(tier.instance, start))[:MOST_WANTED]
    share = replace(effort, deterministic=effort.deterministic * SHARE, gap=0.0)
    found = improve_full_model(tier, start, share, progress)
    at = start if found.at is None else with_fewer_gib(tier, tier.whole(), found.at, found.value, share)
    placement = placement_of(tier.instance, at)
    lost = len(failures.unmet(placement))
    failures.keep(placement)
    return replace(found, at=at, goal=goal_of(()), value=lost, bound=min(lost, max(0, found.bound)))
