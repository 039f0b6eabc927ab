"""Let storms rage over hosts that sleep and wake, and judge what comes of it: `python -m tests.storm.power`.

Each storm is a small pool in which `sleep --execute` and `wake` are typed for a day or two, by processes that are
killed and cut off, while hosts do not come back, calls are refused, and others use the pool. The same seed draws the
same storms.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections import Counter

from tests.storm.power.storm import power_storm


def main() -> int:
    """Print what came of it; 1 where anything was wrong."""
    parser = ArgumentParser(prog="python -m tests.storm.power", description=__doc__)
    parser.add_argument("--storms", type=int, default=50, help="how many storms")
    parser.add_argument("--seed", type=int, default=1, help="of the chance")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="tell the whole story of one storm")
    wanted = parser.parse_args()
    counts = Counter[str]()
    for number in [wanted.only] if wanted.only is not None else range(wanted.storms):
        came = power_storm(wanted.seed, number)
        outcome = came.outcome
        counts["storms"] += 1
        counts["processes"] += len(outcome.ends)
        counts["hosts switched off"] += came.switched_off
        counts.update(f"ended with {end.partition(': ')[2][:24].partition(':')[0]}" for end in outcome.ends)
        if outcome.found or wanted.only is not None:
            counts["findings"] += bool(outcome.found)
            story = outcome.story if wanted.only is not None else ()
            sys.stdout.write("\n".join((outcome.name, *outcome.words, *story, *outcome.found, "")) + "\n")
    sys.stdout.write("".join(f"{count:7} {what}\n" for what, count in sorted(counts.items())))
    return int(counts["findings"] > 0)


if __name__ == "__main__":
    sys.exit(main())
