"""What a solve says: how it goes on, where VMs should be, and how good that is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rebalancer.placement import Placement
from rebalancer.plan.plan import Missing
from rebalancer.tier import TierResult


class SolveReporter:
    """A listener: overwrite what is of interest; nothing depends on the answer."""

    def instance(self, *, hosts: int, units: int, pairs: int) -> None:
        """The problem is ready: VMs that may move, joined into *units*, and where they may go."""

    def tier_started(self, objective: str, unit: str, value: float) -> None:
        """An objective is being improved; it stands at *value*."""

    def progress(self, objective: str, value: float, bound: float) -> None:
        """Something better was found, or the bound has risen."""

    def tier_done(self, result: TierResult) -> None:
        """An objective is done with."""


class Outcome(StrEnum):
    """What came of a solve, in a word."""

    IMPROVED = "improved"
    REPAIRED = "repaired"
    EVACUATED = "evacuated"
    CONSOLIDATED = "consolidated"
    NOTHING_BETTER = "nothing is better"
    NOTHING_FOUND = "nothing was found in time"
    NOT_WORTH_IT = "not worth the moves"


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """The end of a plan: the solver's answer, or a part of it, or a way back.

    Args:
        placement: the host of every guest that occupies one.
        tiers: the objectives, in order of importance.
        outcome: what came of it in a word; of the solver, an `Outcome`.
        reason: what came of it in words, with numbers.
        bound_by: where the bound of the main tier comes from.
        reproducible: whether the same input gives the same answer; false where the clock cut the search short.
        unfinished: the objectives for which the work ran out before it was proved that nothing is better.
        cut_in: the objective that was being improved when the clock did so.
        warnings: what a reviewer of the plan should know.
        missing: moves of a better placement that are not made.
        undoes: the digest of the plan that is taken back.
    """

    placement: Placement
    tiers: tuple[TierResult, ...] = ()
    outcome: str
    reason: str
    bound_by: str = ""
    reproducible: bool = True
    unfinished: tuple[str, ...] = ()
    cut_in: str = ""
    warnings: tuple[str, ...] = ()
    missing: tuple[Missing, ...] = ()
    undoes: str | None = None
