"""All instances of the shared data, held against what they must reach: `python -m benchmarks.table`.

Each instance runs in a process of its own, so that its memory is its own. The figures of other balancers stand in
PEERS.md beside the data; the best of them that broke no rule is repeated here for comparison.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.judge import Verdict, verdict
from benchmarks.migrations import Migration
from benchmarks.neutral import INSTANCES, ROOT, read_instance

SOLVING_SHARE = 0.75
"""Part of the allowed seconds that the solver is told, so that what comes around it and a brake fit in as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What an instance must reach: area 0, so many GiB at most, so close to the bound, in so many seconds."""

    name: str
    seconds: float
    gib: float
    gap: float
    peer: str


TARGETS = (
    Target(name="16x250", seconds=5, gib=109.75, gap=0.0, peer="greedy floor: area 0, 114 GiB"),
    Target(name="16x250-c", seconds=10, gib=float("inf"), gap=0.01, peer="not measured"),
    Target(name="16x250-h", seconds=30, gib=367.25, gap=0.0, peer="greedy floor: area 0, 683 GiB"),
    Target(name="32x600-h", seconds=60, gib=700, gap=0.05, peer="greedy floor: area 0.71, 944 GiB"),
    Target(name="64x1500", seconds=30, gib=698, gap=0.01, peer="greedy floor: area 0, 698 GiB"),
    Target(name="64x1500-h", seconds=60, gib=1291, gap=0.05, peer="greedy floor: area 0.02, 1546 GiB"),
)
"""64x1500-h: no placement copies less than 1227.75 GiB, so 75 % of the greedy floor, 1160, cannot be reached."""


def main() -> int:
    """Run, judge, print; 1 where a rule is broken, a move does not fit or a target is missed."""
    print(
        f"{'instance':10} {'area':>5} {'moves':>5} {'GiB':>8} {'bound':>8} {'gap':>6} {'s':>6} {'MB':>5}  verdict; peer"
    )
    results = [_row(target) for target in TARGETS if _path(target).exists()]
    if not results:
        print(f"no instances in {INSTANCES}; set REBALANCER_SHARED_DATA")
    return int(not all(results))


def _path(target: Target) -> Path:
    """The file of an instance."""
    return INSTANCES / f"{target.name}.json.gz"


def _row(target: Target) -> bool:
    """One line of the table; whether all is well."""
    answer = _answer(target)
    judged = _judged(target, answer)
    missed = _missed(target, judged, answer)
    bound = "-" if judged.area else f"{answer['bound']:.2f}"
    print(
        f"{target.name:10} {judged.area:5.2f} {judged.moves:5} {judged.gib:8.2f} {bound:>8} {answer['gap']:6.1%}"
        f" {answer['wall_s']:6.1f} {answer['peak_rss_mb']:5.0f}  {', '.join(missed) or 'reached'}; {target.peer}",
        flush=True,
    )
    return not missed


def _answer(target: Target) -> dict[str, Any]:
    """What `benchmarks.balance` writes."""
    with TemporaryDirectory() as folder:
        out = Path(folder) / "answer.json"
        seconds = str(target.seconds * SOLVING_SHARE)
        command = [sys.executable, "-m", "benchmarks.balance", str(_path(target)), "--seconds", seconds]
        subprocess.run([*command, "--out", str(out)], check=True, cwd=ROOT, stderr=subprocess.DEVNULL)
        answer: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return answer


def _judged(target: Target, answer: dict[str, Any]) -> Verdict:
    """The figures of the answer as it was written."""
    steps = [Migration(vm=step["vm"], source=step["from"], target=step["to"]) for step in answer["migrations"]]
    return verdict(read_instance(_path(target)), answer["placement"], steps)


def _missed(target: Target, judged: Verdict, answer: dict[str, Any]) -> list[str]:
    """What is wrong with an answer, in words."""
    checks = {
        f"{judged.broken} rules BROKEN": judged.broken > 0,
        f"{judged.unfit} moves do NOT FIT": judged.unfit > 0,
        "area left": judged.area > 0,
        f"over {target.gib:g} GiB": judged.gib > target.gib,
        f"gap over {target.gap:.0%}": answer["gap"] > target.gap,
        f"over {target.seconds:g} s": answer["wall_s"] > target.seconds,
    }
    return [words for words, wrong in checks.items() if wrong]


if __name__ == "__main__":
    sys.exit(main())
