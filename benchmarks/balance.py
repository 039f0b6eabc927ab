"""One instance, solved: `python -m benchmarks.balance INSTANCE [--seconds S] [--seed N] [--budget K] [--at-once N]`.

Each pool of it has work of its own, so that answers are the same however many are solved at once. `--out FILE` is where
the answer goes, standard output otherwise.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.judge import Verdict, verdict
from benchmarks.neutral import AREA_FIRST, Json, pools, read_instance
from benchmarks.one_pool import Asked, Part, solved_pool
from rebalancer.solve import SolveReporter
from rebalancer.workers import KeptProcesses


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What came of one instance; value and bound in GiB, as far as no overload is left."""

    parts: tuple[Part, ...]
    verdict: Verdict
    wall_s: float
    cpu_s: float
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
            "cpu_s": round(self.cpu_s, 2),
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


def run(
    path: Path, *, seconds: float, seed: int, budget: int = 0, at_once: int = 1, reporter: SolveReporter | None = None
) -> Run:
    """Solve the instance in *path*, each of its pools in an equal part of the time; *budget* VMs of a host peak.

    Of the pools so many are solved *at_once*, in processes of their own where that is more than one.
    """
    instance = read_instance(path)
    start, cpu = time.monotonic(), _cpu_seconds()
    alone = pools(instance)
    listener, asked = reporter or SolveReporter(), Asked(seconds=seconds / len(alone), seed=seed, budget=budget)
    parts = (
        _at_once(alone, asked, at_once) if at_once > 1 else tuple(solved_pool(pool, asked, listener) for pool in alone)
    )
    placement = {vm: host for part in parts for vm, host in part.solution.placement.host_of.items()}
    return Run(
        parts=parts,
        verdict=verdict(instance, placement, [step for part in parts for step in part.migrations]),
        wall_s=time.monotonic() - start,
        cpu_s=_cpu_seconds() - cpu,
        peak_rss_mb=_peak_rss_mb(at_once),
    )


def _at_once(alone: Sequence[Json], asked: Asked, count: int) -> tuple[Part, ...]:
    """Solve so many pools at a time, each in one of as many processes."""
    with KeptProcesses(count) as processes:
        return tuple(each.result() for each in [processes.submit(solved_pool, pool, asked) for pool in alone])


def _cpu_seconds() -> float:
    """CPU time of this process, and of those that have ended."""
    used = (resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def _peak_rss_mb(at_once: int) -> float:
    """The most memory of this process, and as much as the largest other for each that ran at once."""
    mine, others = (resource.getrusage(whose).ru_maxrss for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return (mine + (others * at_once if at_once > 1 else 0)) * 1024 / 1e6


def main(arguments: list[str] | None = None) -> int:
    """Read, solve, write; 1 where the answer breaks a rule or a move does not fit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.balance", description=__doc__)
    parser.add_argument("instance", type=Path, help="a file of format xs-neutral/1, plain or gzip")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--budget", type=int, default=0, help="VMs of each host that count with peaks, drawn at random")
    parser.add_argument("--at-once", type=int, default=1, help="pools that are solved at a time, a process each")
    parser.add_argument("--out", type=Path, help="where to write the answer; standard output otherwise")
    chosen = parser.parse_args(arguments)
    asked = {"seconds": chosen.seconds, "seed": chosen.seed, "budget": chosen.budget, "at_once": chosen.at_once}
    done = run(chosen.instance, **asked, reporter=Printing())
    text = json.dumps(done.document(), indent=1) + "\n"
    if chosen.out:
        chosen.out.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    print(done.verdict, f"{done.wall_s:.1f} s, {done.cpu_s:.1f} of CPU, {done.peak_rss_mb:.0f} MB", file=sys.stderr)
    return int(bool(done.verdict.broken or done.verdict.unfit))


if __name__ == "__main__":
    sys.exit(main())
