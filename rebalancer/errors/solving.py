"""No placement: there is none, none was found in time, or solver and checker disagree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rebalancer.errors.base import Located, RebalancerError, first_of

FIXES_SHOWN = 3
"""How many fixes an error tells; all that were found stand in its data."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Concession:
    """One thing that would have to be given up: where it stands (`limits.maximum_moves`), and what to do in words."""

    where: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """Concessions that make a placement possible, and what the cheapest one that was found with them costs.

    Args:
        concessions: what to give up, all of it together.
        moves: VMs that then move.
        gib: GiB that then are copied.
        proved: whether no placement costs less with these concessions.
    """

    concessions: tuple[Concession, ...]
    moves: int
    gib: float
    proved: bool

    def __str__(self) -> str:
        moves = "1 VM moves" if self.moves == 1 else f"{self.moves} VMs move"
        given_up = " and ".join(each.words for each in self.concessions)
        return f"{given_up} ({moves}, {self.gib:.4g} GiB are copied)"


class WorkerLost(Located):
    """Whoever was to make a plan, another process or a worker of a cluster, is gone."""


class Infeasible(RebalancerError):
    """No placement satisfies the hard rules.

    Args:
        blame: sentences that name the rules which exclude each other.
        fixes: what to give up so that there is one, the cheapest first.
    """

    def __init__(self, blame: Sequence[str], fixes: Sequence[Fix] = ()) -> None:
        super().__init__(tuple(blame), tuple(fixes))
        self.blame, self.fixes = tuple(blame), tuple(fixes)

    def __str__(self) -> str:
        said = first_of(self.blame)
        if not self.fixes:
            return f"no placement satisfies all hard rules: {said}. Change what they object to, or the policy."
        ways = ", or ".join(map(str, self.fixes[:FIXES_SHOWN]))
        start = "The cheapest fix" if self.fixes[0].proved else "A fix"
        return f"no placement satisfies all hard rules: {said}. {start}: {ways}."


class NothingFound(Infeasible):
    """No placement that satisfies the hard rules was found in time; there may be one."""

    def __str__(self) -> str:
        return f"{'; '.join(self.blame)}."


class ModelBug(RebalancerError):
    """The checker disagrees with the solver; this is a defect of the rebalancer, never of the pool.

    Args:
        disagreement: what the two say.
    """

    def __init__(self, disagreement: str) -> None:
        super().__init__(disagreement)
        self.disagreement = disagreement

    def __str__(self) -> str:
        return f"internal disagreement, nothing was planned: {self.disagreement}. Please report it with the snapshot."
