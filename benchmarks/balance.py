"""One instance, solved: `python -m benchmarks.balance INSTANCE [--seconds S] [--seed N] [--budget K] [--out FILE]`."""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.judge import Verdict, verdict
from benchmarks.migrations import Migration, NoOrderError, legal_order
from benchmarks.neutral import AREA_FIRST, RULES, Json, pools, problem_of, read_instance, with_peaks
from rebalancer import placement
from rebalancer.problem import Problem
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
class Run:
    """What came of one instance; value and bound in GiB, as far as no overload is left."""

    parts: tuple[Part, ...]
    verdict: Verdict
    wall_s: float
    peak_rss_mb: float

    @property
    def placement(self) -> dict[str, str]:
        """The host of every VM."""
        return {vm: host for part in self.parts for vm, host in part.solution.placement.host_of.items()}

    @property
    def gap(self) -> float:
        """How far the whole may be from the best, as a share of the answer."""
        return sum(part.main.gap * part.main.after for part in self.parts) / (
            sum(part.main.after for part in self.parts) or 1.0
        )

    def document(self) -> dict[str, Any]:
        """The answer in the format of issue 4."""
        steps = [step for part in self.parts for step in part.migrations]
        return {
            "peer": "rebalancer",
            "placement": self.placement,
            "migrations": [{"vm": step.vm, "from": step.source, "to": step.target} for step in steps],
            "value": sum(part.main.after for part in self.parts) / AREA_FIRST,
            "bound": sum(part.main.bound for part in self.parts) / AREA_FIRST,
            "gap": self.gap,
            "proved": all(part.main.proved for part in self.parts),
            "bound_by": sorted({part.solution.bound_by for part in self.parts}),
            "reproducible": all(part.solution.reproducible for part in self.parts),
            "wall_s": round(self.wall_s, 2),
            "peak_rss_mb": round(self.peak_rss_mb, 1),
        }


class Printing(SolveReporter):
    """Value, bound and gap while it runs, on standard error."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def progress(self, objective: str, value: float, bound: float) -> None:
        """One line for each improvement."""
        seconds = time.monotonic() - self._start
        print(f"{seconds:7.1f} s  {objective}: {value:.7g}, bound {bound:.7g}", file=sys.stderr)


def run(path: Path, *, seconds: float, seed: int, budget: int = 0, reporter: SolveReporter | None = None) -> Run:
    """Solve the instance in *path*, each of its pools in an equal part of the time; *budget* VMs of a host peak."""
    instance = read_instance(path)
    start = time.monotonic()
    alone = pools(instance)
    listener = reporter or SolveReporter()
    problems = [with_peaks(problem_of(pool, seconds=seconds / len(alone), seed=seed), budget) for pool in alone]
    parts = tuple(_solved(pool, problem, listener) for pool, problem in zip(alone, problems, strict=True))
    placement = {vm: host for part in parts for vm, host in part.solution.placement.host_of.items()}
    return Run(
        parts=parts,
        verdict=verdict(instance, placement, [step for part in parts for step in part.migrations]),
        wall_s=time.monotonic() - start,
        peak_rss_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
    )


def _solved(pool: Json, problem: Problem, reporter: SolveReporter) -> Part:
    """Solve one pool, again without the moves that have no legal order.

    Raises:
        NoOrderError: ROUNDS placements have none.
    """
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


def main(arguments: list[str] | None = None) -> int:
    """Read, solve, write; 1 where the answer breaks a rule or a move does not fit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.balance", description=__doc__)
    parser.add_argument("instance", type=Path, help="a file of format xs-neutral/1, plain or gzip")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--budget", type=int, default=0, help="VMs of each host that count with peaks, drawn at random")
    parser.add_argument("--out", type=Path, help="where to write the answer; standard output otherwise")
    chosen = parser.parse_args(arguments)
    asked = {"seconds": chosen.seconds, "seed": chosen.seed, "budget": chosen.budget}
    done = run(chosen.instance, **asked, reporter=Printing())
    text = json.dumps(done.document(), indent=1) + "\n"
    if chosen.out:
        chosen.out.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    print(done.verdict, f"{done.wall_s:.1f} s, {done.peak_rss_mb:.0f} MB", file=sys.stderr)
    return int(bool(done.verdict.broken or done.verdict.unfit))


if __name__ == "__main__":
    sys.exit(main())
