"""All instances beside other balancers, held against what they must reach: `python -m benchmarks.table [NAME...]`.

Each answer is made in a process of its own, so that its memory is its own, and judged by arithmetic on the instance
alone. Figures of peers that are not ours to run stand in `benchmarks/peers/measured.json`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.generate import generate, write_instance
from benchmarks.judge import Verdict, broken_rules, false_claims, verdict
from benchmarks.migrations import Migration
from benchmarks.neutral import INSTANCES, ROOT, Json, area, load_cost, read_instance
from benchmarks.peers.meta import meta_python
from benchmarks.targets import TARGETS, Target, unmet

MEASURED = Path(__file__).parent / "peers" / "measured.json"
HOT = INSTANCES.parent / "cases" / "objective"
"""Pools that are hot as a whole."""
PEER_SECONDS = 60.0
SOLVING_SHARE = 0.9
"""Part of the allowed seconds that the solver is told, so that what comes around it and a brake fit in as well."""


def main(arguments: list[str] | None = None) -> int:
    """Run, judge, print; 1 where an answer is wrong or a target is missed without a proof that nobody can reach it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.table", description=__doc__)
    parser.add_argument("names", nargs="*", help="instances; all of them otherwise")
    parser.add_argument(
        "--peer-seconds",
        type=float,
        default=PEER_SECONDS,
        help="for proxlb-solver and Meta's solver; 0 leaves them out",
    )
    chosen = parser.parse_args(arguments)
    if chosen.peer_seconds and find_spec("proxlb_solver") is None:
        print("proxlb-solver is left out: it is not installed (pip install --requirement requirements-bench.lock)")
    if chosen.peer_seconds and meta_python() is None:
        print(
            "Meta's solver is left out: REBALANCER_META_PYTHON names no environment with it (benchmarks/peers/meta.py)"
        )
    wanted = [target for target in TARGETS if not chosen.names or target.name in chosen.names]
    with TemporaryDirectory() as folder:
        found = [(target, _path(target, Path(folder))) for target in wanted]
        results = [_block(target, path, chosen.peer_seconds) for target, path in found if path]
    if len(results) < len(found):
        print(f"{len(found) - len(results)} instances are not in {INSTANCES}; set REBALANCER_SHARED_DATA")
    return int(not all(results))


def _path(target: Target, folder: Path) -> Path | None:
    """The file of an instance: generated where a seed is named, else a shared one, where there is one."""
    if target.generated is None:
        found = (folder / f"{target.name}.json.gz" for folder in (INSTANCES, HOT))
        return next((path for path in found if path.exists()), None)
    path = folder / f"{target.name}.json.gz"
    write_instance(generate(target.name, target.generated), path)
    return path


def _block(target: Target, path: Path, peer_seconds: float) -> bool:
    """What everybody makes of one instance; whether ours is right and good enough."""
    instance = read_instance(path)
    start = {vm["id"]: vm["host"] for vm in instance["vms"]}
    head = f"{target.name}: area {area(instance, start):.2f}, cost {load_cost(instance, start):.2f}, "
    head += f"{broken_rules(instance, start)} rules broken at the start"
    columns = f"{'area':>6} {'cost':>8} {'moves':>5} {'GiB':>8} {'broken':>6} {'unfit':>5} {'s':>6} {'MB':>5}"
    print(f"\n{head}\n  {'':34} {columns}")
    for row in json.loads(MEASURED.read_text(encoding="utf-8"))["rows"] if target.peers else ():
        if row["instance"] == target.name:
            _print_measured(row)
    for peer, level in _peers(target, peer_seconds):
        options = ["--level", str(level), "--seconds", str(peer_seconds)]
        answer = _answer(["benchmarks.peers", peer, str(path), *options])
        name = f"{peer} level {level}, now" if peer in {"hill-climb", "proxlb"} else f"{peer}, now"
        _print_row(name, _judged(instance, answer), answer)
    seconds = str(target.seconds * SOLVING_SHARE)
    return _ours(target, instance, _answer(["benchmarks.balance", str(path), "--seconds", seconds]))


def _peers(target: Target, peer_seconds: float) -> Iterator[tuple[str, int]]:
    """Which peers run, at which level: calm ones where the pool is easy, as they were measured."""
    level = 5 if target.name.endswith("-h") else 3
    if target.peers:
        yield "greedy", level
        yield "hill-climb", level
    if target.peers and target.generated is None and peer_seconds and find_spec("proxlb_solver"):
        yield "proxlb", level
    if target.peers and target.generated is None and peer_seconds and meta_python():
        yield "meta", level


def _ours(target: Target, instance: Json, answer: dict[str, Any]) -> bool:
    """The row of our own answer, with what is to be said about it; whether it is right and good enough."""
    judged = _judged(instance, answer)
    _print_row("rebalancer, now", judged, answer)
    bound = "proven" if answer["proved"] else f"bound {answer['bound']:.2f} GiB, gap {answer['gap']:.1%}"
    wrong = false_claims(answer, judged)
    missed, impossible = unmet(target, judged, answer)
    print(f"  {bound}, by {', '.join(answer['bound_by'])}; must reach {target}")
    for words in impossible:
        print(f"  {words}")
    print(f"  {'; '.join([*wrong, *missed]) or 'reached'}", flush=True)
    return not (wrong or missed)


def _answer(module: list[str]) -> dict[str, Any]:
    """What a benchmark of one instance writes."""
    with TemporaryDirectory() as folder:
        out = Path(folder) / "answer.json"
        command = [sys.executable, "-m", *module, "--out", str(out)]
        done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
        if not out.exists():
            sys.exit(f"{' '.join(module)} wrote no answer:\n{done.stderr}")
        answer: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return answer


def _judged(instance: Json, answer: dict[str, Any]) -> Verdict:
    """The figures of the answer as it was written."""
    steps = [Migration(vm=step["vm"], source=step["from"], target=step["to"]) for step in answer["migrations"]]
    return verdict(instance, answer["placement"], steps)


def _print_row(name: str, judged: Verdict, answer: dict[str, Any]) -> None:
    """One line of the table."""
    print(
        f"  {name:34} {judged.area:6.2f} {judged.cost:8.2f} {judged.moves:5} {judged.gib:8.2f} {judged.broken:6}"
        f" {judged.unfit:5} {answer['wall_s']:6.1f} {answer['peak_rss_mb']:5.0f}",
        flush=True,
    )


def _print_measured(row: dict[str, Any]) -> None:
    """One line of the table, of a peer that was measured before."""
    if row["area"] is None:
        print(f"  {row['peer'][:34]:34} {row['note']}, {row['seconds']:.1f} s")
        return
    note = f"  {row['note']}" if row["note"] else ""
    print(
        f"  {row['peer'][:34]:34} {row['area']:6.2f} {'':8} {row['moves']:5} {row['gib']:8.2f} {row['broken']:6} {'':5}"
        f" {row['seconds']:6.1f}{note}"
    )


if __name__ == "__main__":
    sys.exit(main())
