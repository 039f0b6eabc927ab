"""What recorded days cost: `python -m benchmarks.days [TRACES:PEAK...]`, as `benchmarks.replay` has them.

For percentiles and for so many recorded days: the slots, how many are left out because they cost nothing, the snapshot
with the slots alone and with all hours of the window, in millions of bytes, and what a plan comes to.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.recorded import SOURCES, TRACES, recorded_pool
from rebalancer.demand import LoadProfile
from rebalancer.demand.recording import Recording
from rebalancer.inventory import Pool
from rebalancer.policy import PRESETS, Policy
from rebalancer.problem import make_problem
from rebalancer.rules import Rulebook
from rebalancer.snapshot import Snapshot, write_snapshot
from rebalancer.solve import solve
from rebalancer.solve.instance.idle_slots import binding_slots
from rebalancer.solve.instance.instance import instance_of

SITUATIONS = ("bitbrains:70", "azure:30", "azure:85")
LOOKED_BACK = (7, 14)
"""Days."""


FORMS: Mapping[str, Mapping[str, Any]] = {
    "p95 of 7 days": {"form": "percentile"},
    **{f"{days} days": {"form": "days", "window_days": days} for days in LOOKED_BACK},
}
"""Section `demand` of the policy by the name of the row."""


def rows(
    pool: Pool, recording: Recording, names: Sequence[str], seconds: float, wishes: Mapping[str, Any]
) -> Iterator[tuple[str, ...]]:
    """A row for each of these *names*, by a policy with *wishes* beside the form of its demand."""
    for name in names:
        keys = {**wishes, "demand": FORMS[name], "limits": {"solve_seconds": seconds or 1.0}}
        policy = Policy.model_validate(keys)
        until = recording.start + timedelta(days=max(LOOKED_BACK))
        profile = recording.profile(pool, policy.demand, until)
        sizes = (f"{snapshot_mb(pool, each):.2f}" for each in (replace(profile, series=None), profile))
        book = Rulebook.of(make_problem(pool, profile, policy))
        idle = int((~binding_slots(instance_of(book))).sum())
        yield name, str(profile.slots), str(idle), *sizes, *(solved(book) if seconds else ("",) * 5)


def snapshot_mb(pool: Pool, profile: LoadProfile) -> float:
    """The size of a snapshot in millions of bytes."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pool.json.gz"
        write_snapshot(Snapshot(pool=pool, demand=profile, taken_at=profile.window_end, source="traces"), file)
        return file.stat().st_size / 1e6


def solved(book: Rulebook) -> tuple[str, ...]:
    """What balancing comes to, and the CPU time that it took."""
    began = time.process_time()
    tier = solve(book).tiers[-1]
    spent = f"{time.process_time() - began:.1f}"
    return (f"{tier.before:.1f}", f"{tier.after:.1f}", f"{tier.bound:.1f}", f"{tier.gap:.1%}", spent)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.days", description=__doc__)
    parser.add_argument(
        "situations", nargs="*", default=SITUATIONS, metavar="TRACES:PEAK", help=f"of {', '.join(SOURCES)}"
    )
    parser.add_argument("--hosts", type=int, default=16)
    parser.add_argument("--vms", type=int, default=250)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--row", action="append", choices=FORMS, help="one of the rows; all of them otherwise")
    parser.add_argument("--preset", choices=PRESETS, help="whose prices and threshold count; the defaults otherwise")
    parser.add_argument("--seconds", type=float, default=10.0, help="work of each plan; 0 makes none")
    chosen = parser.parse_args(arguments)
    if not TRACES.exists():
        print(f"skipped: no traces in {TRACES}; set REBALANCER_SHARED_DATA")
        return 0
    print(
        "| traces | demand | slots | left out | slots in MB | with hours | balance now | after | bound | gap | CPU s |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for situation in chosen.situations:
        source, _, peak = situation.partition(":")
        pool, recording = recorded_pool(
            source, peak=float(peak) / 100, hosts=chosen.hosts, vms=chosen.vms, seed=chosen.seed
        )
        wishes = {"preset": chosen.preset} if chosen.preset else {}
        for row in rows(pool, recording, chosen.row or [*FORMS], chosen.seconds, wishes):
            print(f"| {situation} | {' | '.join(row)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
