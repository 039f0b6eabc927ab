"""Same instance, same seed, same bytes: `python -m benchmarks.repeat`.

A small and a large instance are solved twice each, in processes of their own. Prints the digests of all that the
answers say, but for time and memory, and ends with 1 where they differ, or where the clock ended a search.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.generate import generate, write_instance
from benchmarks.neutral import ROOT

CASES = (("16x250-c", 1, 60), ("64x3000", 1, 60))
"""Shape, seed, seconds; so many that work, not the clock, ends the search on a slow machine, too."""
MEASURED = ("wall_s", "peak_rss_mb")


def main() -> int:
    """Solve everything twice, compare; 1 where something differs."""
    return int(not all([_repeated(*case) for case in CASES]))  # noqa: C419 every case has its row


def _repeated(name: str, seed: int, seconds: float) -> bool:
    """One row: whether two answers are the same."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.json.gz"
        write_instance(generate(name, seed), path)
        (first, steady), (second, again) = (_digest(path, seed, seconds) for _ in range(2))
    words = "the same" if first == second else "DIFFERENT"
    if not (steady and again):
        words += ", ENDED BY THE CLOCK"
    print(f"{name:10} seed {seed}: {first[:16]} {second[:16]}  {words}", flush=True)
    return first == second and steady and again


def _digest(path: Path, seed: int, seconds: float) -> tuple[str, bool]:
    """The digest of an answer, and whether it says of itself that it can be had again."""
    out = path.with_suffix(".answer")
    options = ["--seed", str(seed), "--seconds", str(seconds), "--out", str(out)]
    command = [sys.executable, "-m", "benchmarks.balance", str(path), *options]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    answer = json.loads(out.read_text(encoding="utf-8"))
    said = {key: value for key, value in answer.items() if key not in MEASURED}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest(), bool(answer["reproducible"])


if __name__ == "__main__":
    sys.exit(main())
