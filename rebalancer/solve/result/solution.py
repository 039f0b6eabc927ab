"""What the solver answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rebalancer.gap import gap_of
from rebalancer.placement import Placement


class Outcome(StrEnum):
    """What came of it."""

    IMPROVED = "improved"
    REPAIRED = "repaired"
    EVACUATED = "evacuated"
    CONSOLIDATED = "consolidated"
    NOTHING_BETTER = "nothing is better"
    NOTHING_FOUND = "nothing was found in time"
    NOT_WORTH_IT = "not worth the moves"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One objective, optimised while the tiers before it are held.

    Args:
        objective: its id.
        unit: of the three numbers.
        before: its value tonight.
        after: its value in the answer.
        bound: what no placement that holds the earlier tiers can beat.
        proved: whether the answer was shown to be the best one.
    """

    objective: str
    unit: str
    before: float
    after: float
    bound: float
    proved: bool

    @property
    def gap(self) -> float:
        """How far the answer may be from the best one, as a share of the answer."""
        return gap_of(self.after, self.bound, proved=self.proved)


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """Where every VM should be, and how good that is.

    Args:
        placement: the host of every guest that occupies one.
        tiers: the objectives, in order of importance.
        outcome: what came of it.
        reason: the same in words, with numbers.
        seed: of all random choices.
        reproducible: whether the same input gives the same answer; false where the clock cut the search short.
        bound_by: where the bound of the main tier comes from.
    """

    placement: Placement
    tiers: tuple[Tier, ...]
    outcome: Outcome
    reason: str
    seed: int
    reproducible: bool = True
    bound_by: str = ""
