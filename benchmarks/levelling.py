"""Levelling of one generated pool: `python -m benchmarks.levelling [16x250] [--seed N] [--seconds S] [--level GIB]`."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace

from benchmarks.generate import generate
from benchmarks.neutral import RULES, problem_of
from rebalancer.objectives import MigrationCost, Spread
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.solve import solve

PRICE = 0.01
"""Weighted pCPU-hours for a GiB."""


def levelled(name: str, *, seed: int, seconds: float, level: float) -> Problem:
    """A generated pool where *level* GiB may be copied for a pCPU-hour less of spread."""
    problem = problem_of(generate(name, seed), seconds=seconds, seed=1)
    objective = problem.policy.objective.model_copy(update={"pcpu_hours_per_gib": PRICE, "level": level})
    return replace(problem, policy=problem.policy.model_copy(update={"objective": objective}))


def main() -> None:
    """Print spread before and after, what it took, and how far the objective is from its bound."""
    wanted = _arguments()
    problem = levelled(wanted.pool, seed=wanted.seed, seconds=wanted.seconds, level=wanted.level)
    book, begin = Rulebook(problem, RULES), time.monotonic()
    solution = solve(book)
    before, after = (Spread().value(each, book) for each in (problem.initial, solution.placement))
    tier = next(each for each in solution.tiers if each.objective == "level")
    moves, gib = len(problem.initial.moves_to(solution.placement)), MigrationCost().value(solution.placement, book)
    sys.stdout.write(
        f"spread {before:.0f} -> {after:.0f} pCPU-hours with {moves} moves and {gib:g} GiB; "
        f"level {tier.before:.1f} -> {tier.after:.1f}, bound {tier.bound:.1f}, gap {tier.gap:.1%}; "
        f"{time.monotonic() - begin:.0f} s\n"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.levelling", description=__doc__)
    parser.add_argument("pool", nargs="?", default="16x250", help="hosts x VMs")
    parser.add_argument("--seed", type=int, default=1, help="of the pool")
    parser.add_argument("--seconds", type=float, default=30.0, help="limits.solve_seconds")
    parser.add_argument("--level", type=float, default=1.0, help="GiB for a pCPU-hour")
    return parser.parse_args()


if __name__ == "__main__":
    main()
