"""All measurements: `python -m benchmarks`."""

from __future__ import annotations

import sys

from benchmarks import pipeline, table

if __name__ == "__main__":
    missed = table.main()
    pipeline.main()
    sys.exit(missed)
