"""One instance, solved: `python -m benchmarks.balance INSTANCE [--seconds S] [--seed N] [--out FILE]`."""

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
from benchmarks.neutral import AREA_FIRST, RULES, problem_of, read_instance
from benchmarks.order import Migration, NoOrderError, legal_order
from rebalancer.placement import Move
from rebalancer.solve import Solution, SolveReporter, solve

ROUNDS = 10
"""Placements without a legal order before the benchmark gives up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What came of one instance; value and bound in GiB, as far as no overload is left."""

    name: str
    solution: Solution
    migrations: tuple[Migration, ...]
    verdict: Verdict
    wall_s: float
    peak_rss_mb: float

    def document(self) -> dict[str, Any]:
        """The answer in the format of issue 4."""
        main = self.solution.tiers[-1]
        return {
            "peer": "rebalancer",
            "placement": dict(self.solution.placement.host_of),
            "migrations": [{"vm": step.vm, "from": step.source, "to": step.target} for step in self.migrations],
            "value": main.after / AREA_FIRST,
            "bound": main.bound / AREA_FIRST,
            "gap": main.gap,
            "proved": main.proved,
            "bound_by": self.solution.bound_by,
            "reproducible": self.solution.reproducible,
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


def run(path: Path, *, seconds: float, seed: int, reporter: SolveReporter | None = None) -> Run:
    """Solve the instance in *path*, again without the moves that have no legal order."""
    instance = read_instance(path)
    problem = problem_of(instance, seconds=seconds, seed=seed)
    start = time.monotonic()
    forbidden: list[frozenset[Move]] = []
    for _ in range(ROUNDS):
        solution = solve(problem, rules=RULES, forbidden=forbidden, reporter=reporter or SolveReporter())
        try:
            migrations = legal_order(instance, solution.placement.host_of)
        except NoOrderError:
            forbidden.append(frozenset(problem.initial.moves_to(solution.placement)))
            continue
        break
    else:
        raise NoOrderError(f"{ROUNDS} placements of {path.name} have no legal order")
    return Run(
        name=instance["name"],
        solution=solution,
        migrations=tuple(migrations),
        verdict=verdict(instance, solution.placement.host_of, migrations),
        wall_s=time.monotonic() - start,
        peak_rss_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def main(arguments: list[str] | None = None) -> int:
    """Read, solve, write; 1 where the answer breaks a rule or a move does not fit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.balance", description=__doc__)
    parser.add_argument("instance", type=Path, help="a file of format xs-neutral/1, plain or gzip")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="where to write the answer; standard output otherwise")
    chosen = parser.parse_args(arguments)
    done = run(chosen.instance, seconds=chosen.seconds, seed=chosen.seed, reporter=Printing())
    text = json.dumps(done.document(), indent=1) + "\n"
    if chosen.out:
        chosen.out.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    print(done.verdict, f"{done.wall_s:.1f} s, {done.peak_rss_mb:.0f} MB", file=sys.stderr)
    return int(bool(done.verdict.broken or done.verdict.unfit))


if __name__ == "__main__":
    sys.exit(main())
