"""Let storms rage over the work on all hosts, and judge what comes of it: `python -m tests.storm.rolling`.

Each storm is a small pool whose hosts are rebooted or updated one after another, by processes that are killed and cut
off, while hosts do not come back, or not as they were. The same seed draws the same storms.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections import Counter

from tests.storm.rolling.storm import Outcome, rolling_storm


def main() -> int:
    """Print what came of it; 1 where anything was wrong."""
    parser = ArgumentParser(prog="python -m tests.storm.rolling", description=__doc__)
    parser.add_argument("--storms", type=int, default=50, help="how many storms")
    parser.add_argument("--seed", type=int, default=1, help="of the chance")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="tell the whole story of one storm")
    wanted = parser.parse_args()
    if wanted.only is not None:
        return _told(rolling_storm(wanted.seed, wanted.only))
    counts = Counter[str]()
    for number in range(wanted.storms):
        outcome = rolling_storm(wanted.seed, number)
        counts["storms"] += 1
        counts["processes"] += len(outcome.ends)
        counts.update(f"ended with {end.partition(':')[0][:24]}" for end in outcome.ends)
        if outcome.found:
            counts["findings"] += 1
            sys.stdout.write("\n".join((outcome.name, *outcome.words, *outcome.found, "")) + "\n")
    sys.stdout.write("".join(f"{count:7} {what}\n" for what, count in sorted(counts.items())))
    return int(counts["findings"] > 0)


def _told(outcome: Outcome) -> int:
    sys.stdout.write("\n".join((outcome.name, *outcome.words, *outcome.story, *outcome.found, "")))
    return int(bool(outcome.found))


if __name__ == "__main__":
    sys.exit(main())
