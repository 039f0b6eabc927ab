"""All answers of the rules for 64 hosts and 3000 VMs: how long they take and how much memory, held against the limits.

    python -m benchmarks.legality

Prints a table and ends with 1 when a limit is missed. Each stage runs in a process of its own, which reads the pool
from a snapshot: its memory is what a person's `rebalancer check` would take.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from rebalancer.inventory import pool_from_records
from rebalancer.legality.matrix import MAY_GO, legality_matrix
from rebalancer.legality.report import legality_report
from rebalancer.policy import Policy
from rebalancer.problem import make_problem
from rebalancer.rules import Rulebook
from rebalancer.rules.facts.agility import Everywhere
from rebalancer.simulator import generate_pool
from rebalancer.snapshot import Snapshot, read_snapshot, write_snapshot

HOSTS, VMS, SEED = 64, 3000, 1
MEMORY_MB = 500
LIMITS = {"objections": 3.0, "report": 5.0, "matrix": 5.0, "frame": 5.0}
"""Seconds by stage, the reading of the snapshot left out."""


def main() -> int:
    """Measure every stage on both pools, print the table; 1 when a limit is missed."""
    with TemporaryDirectory() as folder:
        plain, protected = Path(folder) / "plain.json", Path(folder) / "ha.json"
        _apart("generate", plain, protected)
        rows = [_row(stage, path) for path in (plain, protected) for stage in LIMITS]
    return int(not all(rows))


def _row(stage: str, path: Path) -> bool:
    """Measure one stage, print its row; whether it keeps its limits."""
    seconds, megabytes, allowed = json.loads(_apart(stage, path))
    kept: bool = seconds <= LIMITS[stage] and megabytes <= MEMORY_MB
    print(
        f"{path.stem:6} {stage:11} {seconds:6.2f} s of {LIMITS[stage]:.1f}   {megabytes:5.0f} MB of {MEMORY_MB}   "
        f"{allowed:7} moves allowed   {'ok' if kept else 'MISSED'}"
    )
    return kept


def _apart(*arguments: str | Path) -> str:
    """What a process of its own prints."""
    command = [sys.executable, "-m", "benchmarks.legality", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def generate(plain: Path, protected: Path) -> None:
    """Write two pools: one without HA, and the same with HA on and a third of its agile VMs protected."""
    pool = pool_from_records(generate_pool(hosts=HOSTS, vms=VMS, seed=SEED, days=1).records)
    everywhere = Everywhere.of(pool)
    agile = sorted(vm.uuid for vm in pool.resident_guests() if everywhere.runs(vm))
    keen = {uuid: replace(pool.vms[uuid], ha_restart_priority="restart", ha_always_run=True) for uuid in agile[::3]}
    ha = replace(pool.ha, enabled=True, allow_overcommit=False, plan_exists_for=1)
    for each, path in ((pool, plain), (replace(pool, vms={**pool.vms, **keen}, ha=ha), protected)):
        write_snapshot(Snapshot(pool=each, demand=None, taken_at=datetime.now(UTC), source="generated"), path)


def measure(stage: str, path: Path) -> tuple[float, float, int]:
    """Seconds, peak memory in 10^6 bytes, and how many moves are allowed, of one stage on the pool in *path*."""
    problem = make_problem(read_snapshot(path).pool, None, Policy())
    started = time.perf_counter()
    allowed = STAGES[stage](Rulebook.of(problem))
    seconds = time.perf_counter() - started
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, allowed


def objections(book: Rulebook) -> int:
    """Every objection of every rule about single moves."""
    pool = book.problem.pool
    answers = [
        (vm.resident_on == host.uuid, book.live.objections(vm, host))
        for vm in pool.resident_guests()
        for host in pool.hosts.values()
    ]
    return sum(not stays and not found for stays, found in answers)


def report(book: Rulebook) -> int:
    """What `rebalancer check` prints."""
    return sum(host.may_receive for host in legality_report(book).hosts)


def matrix(book: Rulebook) -> int:
    """What `rebalancer check --matrix` writes."""
    return sum(row.count(MAY_GO) for row in legality_matrix(book).cells)


def frame(book: Rulebook) -> int:
    """What notebooks show; pandas is loaded here only, so that it does not count elsewhere."""
    from rebalancer.frames import legality_frame  # noqa: PLC0415

    return int((legality_frame(book) == MAY_GO).to_numpy().sum())


STAGES: dict[str, Callable[[Rulebook], int]] = {
    "objections": objections,
    "report": report,
    "matrix": matrix,
    "frame": frame,
}

if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            sys.exit(main())
        case ["generate", first, second]:
            generate(Path(first), Path(second))
        case [name, file]:
            print(json.dumps(measure(name, Path(file))))
