"""One pool of an instance, solved: a module of its own, so that other processes can be asked for it."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.migrations import Migration, NoOrderError, legal_order
from benchmarks.neutral import RULES, Json, problem_of, with_peaks
from rebalancer import placement
from rebalancer.rules import Rulebook
from rebalancer.solve import Solution, SolveReporter, solve
from rebalancer.tier import TierResult

ROUNDS = 10
"""Placements without a legal order before the benchmark gives up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What came of one pool: the answer, and its moves in a legal order."""

    solution: Solution
    migrations: tuple[Migration, ...]

    @property
    def main(self) -> TierResult:
        """Area before GiB, in pCPU-hours."""
        return self.solution.tiers[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How long to search each pool, from which seed, and how many VMs of a host peak."""

    seconds: float
    seed: int
    budget: int


def solved_pool(pool: Json, asked: Asked, reporter: SolveReporter | None = None) -> Part:
    """Solve one pool, again without the moves that have no legal order.

    Raises:
        NoOrderError: ROUNDS placements have none.
    """
    problem = with_peaks(problem_of(pool, seconds=asked.seconds, seed=asked.seed), asked.budget)
    forbidden: list[frozenset[placement.Migration]] = []
    for _ in range(ROUNDS):
        solution = solve(Rulebook(problem, RULES), forbidden=forbidden, reporter=reporter)
        try:
            migrations = legal_order(pool, solution.placement.host_of)
        except NoOrderError:
            forbidden.append(frozenset(problem.initial.moves_to(solution.placement)))
        else:
            return Part(solution=solution, migrations=tuple(migrations))
    raise NoOrderError(f"{ROUNDS} placements of {pool['name']} have no legal order")
