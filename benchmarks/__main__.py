"""All measurements: `python -m benchmarks`."""

from __future__ import annotations

import sys

from benchmarks import legality, local_disks, pipeline, rolling, schedule, table

if __name__ == "__main__":
    missed = max(legality.main(), table.main(), rolling.main(), schedule.main([]), local_disks.main([]))
    pipeline.main()
    sys.exit(missed)
