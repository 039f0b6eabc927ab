"""A sensible part of all measurements, in less than ten minutes on an idle machine: `python -m benchmarks`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from benchmarks import build, execute, legality, local_disks, order, pipeline, repeat, rolling, schedule, shapes, table

TABLE = ["16x250", "16x250-h", "64x1500", "64x3000", "--peer-seconds", "10"]
"""The large and the hard instances take minutes: `python -m benchmarks.table` runs them all."""

PARTS: tuple[tuple[str, Callable[[], int]], ...] = (
    ("legality of 64 x 3000", legality.main),
    ("generated instances beside the shared ones", shapes.main),
    ("instances, beside other balancers", lambda: table.main(TABLE)),
    ("building models", build.main),
    ("same input, same bytes", repeat.main),
    ("orders", lambda: order.main(["--cases", "60"])),
    ("local disks", lambda: local_disks.main([])),
    ("schedules", lambda: schedule.main([])),
    ("rolling reboots and updates", rolling.main),
    ("the main job", pipeline.main),
    ("carrying a plan out", lambda: execute.main([])),
)


def main() -> int:
    """Run every part; 1 where one of them missed something."""
    missed = []
    for name, part in PARTS:
        print(f"\n== {name}", flush=True)
        started = time.monotonic()
        if part():
            missed.append(name)
        print(f"   {time.monotonic() - started:.0f} s", flush=True)
    print(f"\nmissed: {', '.join(missed)}" if missed else "\neverything reached")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
